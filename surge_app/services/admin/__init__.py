"""What organizers do and see."""
