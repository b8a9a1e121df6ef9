"""How a process of a job ends: at once, since the next one waits for its device."""

import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process without taking its libraries down, which takes torch and its like seconds.

    Everything that matters is on the disk or has been told by then; helpers end with the pipes that they read.

    Args:
        code: exit code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
