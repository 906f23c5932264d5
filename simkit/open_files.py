"""How many files this process may have open: each connection is one."""

from __future__ import annotations

import resource

RESERVE = 256
"""Left for everything that is no connection: libraries, the database, the terminal."""


def allow_connections(wanted: int) -> int:
    """Make room for *wanted* connections and return how many there is room for.

    Raises the soft limit of this process as far as the hard one allows; many systems start
    programs with a soft limit of 1,024. At least 1.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVE
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return max(1, allowed - RESERVE)
    return wanted
