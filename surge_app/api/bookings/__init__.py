"""Bookings for their owners: details, messages, files and the keys of tickets."""
