"""`python -m surge_app`."""

import signal

# Importing takes seconds, and Ctrl-C would end them in a traceback.
_is_python_asked = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _is_python_asked:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from surge_app.cli.main import main  # noqa: E402

if _is_python_asked:
    signal.signal(signal.SIGINT, signal.default_int_handler)
main()
