"""Live parts of a page: feeds, connection and clocks."""
