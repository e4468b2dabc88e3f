"""`python -m surge_app`."""

from surge_app.cli.main import main

main()
