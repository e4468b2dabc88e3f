"""Joins and polls of the queue, answered before any other layer."""
