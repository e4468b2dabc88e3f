"""Payments, settlement, refunds and the box office."""
