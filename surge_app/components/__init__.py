"""Building blocks of the pages. They know no State: vars and handlers come in as arguments."""
