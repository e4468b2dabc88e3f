"""Statements behind the admin area."""
