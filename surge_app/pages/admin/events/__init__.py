"""Pages of the admin area: what an organizer writes: events and announcements."""
