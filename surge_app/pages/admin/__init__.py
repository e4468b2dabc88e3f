"""The admin pages, one module each, by domain."""
