"""Ports to the vendors, and the circuit breaker in front of the gateway."""
