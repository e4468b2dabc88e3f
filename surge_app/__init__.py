"""Surge: a waiting room, an inventory, a checkout and an admin area in one install."""

__version__ = "0.1.0"
