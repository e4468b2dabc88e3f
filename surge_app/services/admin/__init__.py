"""Services of the admin area."""
