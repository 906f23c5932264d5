"""Sets of verdicts: a run's own, and those of filters that were asked later."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simkit.traces.group_commit import Statement

RUN_VERDICTS = "run"
"""The set that is made while a run plays."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def is_set_name(name: str) -> bool:
    """Whether a set may be called *name*: small letters, digits and hyphens, at most 40."""
    return _NAME.fullmatch(name) is not None


def unfinished(name: str) -> str:
    """Under what the verdicts of the set *name* stand until it is whole; never a set's name."""
    return f".{name}"


def removing(name: str) -> Statement:
    """Remove every verdict of the set *name*."""
    return Statement("DELETE FROM verdicts WHERE filter_set = ?", (name,))


def publishing(name: str) -> Iterator[Statement]:
    """Put what is unfinished of the set *name* in the place of what it was."""
    yield removing(name)
    yield Statement(
        "UPDATE verdicts SET filter_set = ? WHERE filter_set = ?", (name, unfinished(name))
    )
