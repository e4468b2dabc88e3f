"""Bookings, tickets, check-in and exports."""
