"""Sets the clock of a Python process off; Python runs it first while its folder is on the path."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["CLOCK_OFF_SECONDS"]), tick=True).start()
