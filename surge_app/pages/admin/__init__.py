"""The admin pages, one module each."""
