"""Postgres: the engine, transactions, and every query."""
