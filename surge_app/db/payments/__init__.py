"""Statements over payments, refunds and the ledger."""
