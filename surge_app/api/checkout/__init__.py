"""Holds, payments, and the news of both from the vendors."""
