"""How busy a thread is, whether or not it gets a core whenever it wants one."""

from __future__ import annotations

import time
from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def runnable_seconds() -> float:
    """How long this thread has worked or waited for a core, since any moment.

    Where the system does not tell how long it waited, how long it has worked.
    """
    try:
        working, waiting, _ = map(int, _SCHEDSTAT.read_text().split())
    except (OSError, ValueError):
        return time.thread_time()
    return (working + waiting) / 1e9
