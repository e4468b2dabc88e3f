"""Redis: key names, the scripts of the queue, and their typed callers."""
