"""Email and SMS: composition, delivery, reports."""
