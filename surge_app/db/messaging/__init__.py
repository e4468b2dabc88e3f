"""Statements over messages and notices."""
