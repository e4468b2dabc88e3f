"""Checks that operators run: invariants, preflight, telemetry."""
