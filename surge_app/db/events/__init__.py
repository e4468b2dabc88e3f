"""Statements over events, tiers and units."""
