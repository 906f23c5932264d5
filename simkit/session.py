"""What one process measured of the part of a run that it played; kept with the run.

A run that is stopped and goes on has several. A process that was killed leaves none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from pydantic import TypeAdapter, ValidationError

KEY = "session"
"""Facts about the run whose keys begin with this, and a number after a space, are sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSession:
    """One account's part of a session."""

    provider: str
    """NAME of its ``[providers.NAME]`` table."""
    model: str
    told_per_minute: Mapping[str, float]
    """Limits of the configuration, by kind."""
    per_minute: Mapping[str, float]
    """Limits in force at the end: told, announced or learned."""
    max_in_flight: int
    """Most calls at once at the end."""
    peak_in_flight: int
    answered: int
    refused: Mapping[str, int]
    """By the limit that refused, as far as it was told or guessed."""
    failed: int
    """Attempts that failed otherwise."""
    failed_seconds: float
    """How long these took, all together."""
    seconds_waited: Mapping[str, float]
    """For each limit, how long it held the first of the waiting calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What was measured between the first call and the end."""

    started_at: float
    """Seconds since the epoch."""
    seconds: float
    concurrency: int
    """Conversations in flight at most."""
    filter_workers: int
    peak_conversations: int
    conversations: int
    """That got their verdict."""
    calls: int
    """Answered; those served from the journal left out."""
    loop_cpu_seconds: float
    """CPU time of the thread of the event loop."""
    memory_bytes_before: int
    """Resident, before the first conversation."""
    memory_bytes_peak: int
    disk_bytes: int
    """By which the database has grown."""
    limiting: Mapping[str, float] = field(default_factory=dict)
    """What set the pace, to its share of the time."""
    accounts: tuple[AccountSession, ...] = ()


_SESSION = TypeAdapter(Session)


def session_note(session: Session, number: int) -> tuple[str, str]:
    """Key and value under which the run keeps *session*, the one with this *number* from 0."""
    return f"{KEY} {number}", orjson.dumps(session).decode()


def sessions_of(meta: Mapping[str, str]) -> tuple[Session, ...]:
    """The sessions among the facts about a run, in order; what is no session is left out."""
    numbered = []
    for key, value in meta.items():
        kind, _, number = key.partition(" ")
        if kind == KEY and number.isdigit():
            try:
                numbered.append((int(number), _SESSION.validate_json(value)))
            except ValidationError:
                continue  # of another version, or damaged: they only help
    return tuple(session for _, session in sorted(numbered, key=lambda found: found[0]))
