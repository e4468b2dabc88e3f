"""The command line: `python -m surge_app …`."""
