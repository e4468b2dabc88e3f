"""Statements over intents and holds."""
