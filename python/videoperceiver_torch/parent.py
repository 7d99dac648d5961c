"""The end of a process with that of who started it; imports next to nothing, for it is asked for first."""

import contextlib
import ctypes
import os
import signal
import sys

PARENT = "VIDEOPERCEIVER_ENGINE_PARENT"
_PARENT_DEATH_SIGNAL = 1
# Looked up here: a process that has just been forked may not load anything.
_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Has the kernel end this process with who started it, also one that is stopped or deep in a product."""
    if _LIBRARY is not None:
        _LIBRARY.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # Whoever that was may have ended before this was said.
    parent = str(os.getppid())
    if os.environ.get(PARENT, parent) != parent:
        said = f"started by process {parent}, not by {os.environ[PARENT]}: name Python itself, no wrapper\n"
        with contextlib.suppress(OSError):
            os.write(2, said.encode())
        os._exit(1)
