"""Selections, holds and contacts."""
