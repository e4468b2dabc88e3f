"""State of the admin area: the box office and check-in."""
