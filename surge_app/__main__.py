"""`python -m surge_app`."""

from surge_app.cli import main

main()
