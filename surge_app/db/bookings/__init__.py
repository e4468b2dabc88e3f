"""Statements over bookings and tickets."""
