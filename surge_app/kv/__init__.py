"""Redis: key names, the scripts of the line, and their typed callers."""
