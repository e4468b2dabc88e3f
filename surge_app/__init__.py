"""Surge: a waiting room, an inventory, a checkout and an organizer's console in one install."""
