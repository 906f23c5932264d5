"""What one process measured of the part of a run that it played; kept with the run.

A run that is stopped and goes on has several. A process that was killed leaves none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError

KEY = "session"
"""Begins the key of a fact about the run that is a session; a blank and a number follow."""
_NUMBERED = re.compile(rf"{KEY} (0|[1-9][0-9]{{0,8}})")

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSession:
    """One account's part of a session."""

    provider: str
    """NAME of its ``[providers.NAME]`` table."""
    model: str
    told_per_minute: Mapping[str, Amount]
    """Limits of the configuration, by kind."""
    per_minute: Mapping[str, Amount]
    """Limits in force at the end: told, announced or learned."""
    max_in_flight: Count
    """Most calls at once at the end."""
    peak_in_flight: Count
    answered: Count
    refused: Mapping[str, Count]
    """By the limit that refused, as far as it was told or guessed."""
    failed: Count
    """Attempts that failed otherwise."""
    failed_seconds: Amount
    """How long these took, all together."""
    seconds_waited: Mapping[str, Amount]
    """For each limit, how long it held the first of the waiting calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What was measured between the first call and the end."""

    started_at: Amount
    """Seconds since the epoch."""
    seconds: Amount
    concurrency: Count
    """Conversations in flight at most, at the end."""
    filter_workers: Count
    peak_conversations: Count
    conversations: Count
    """That got their verdict."""
    calls: Count
    """Answered; those served from the journal left out."""
    loop_cpu_seconds: Amount
    """CPU time of the thread of the event loop."""
    memory_bytes_before: Count
    """Resident, before the first conversation."""
    memory_bytes_peak: Count
    disk_bytes: Count
    """By which the database has grown."""
    limiting: Mapping[str, Amount] = field(default_factory=dict)
    """What set the pace, to its share of the time."""
    accounts: tuple[AccountSession, ...] = ()
    concurrency_range: tuple[Count, Count] | None = None
    """The least and the most that it was; None: not known, in sessions of older versions."""


_SESSION = TypeAdapter(Session)


def session_note(session: Session, number: int) -> tuple[str, str]:
    """Key and value under which the run keeps *session*, the one with this *number* from 0."""
    return f"{KEY} {number}", orjson.dumps(session).decode()


def sessions_of(meta: Mapping[str, str]) -> tuple[Session, ...]:
    """The sessions among the facts about a run, in order.

    One of another version, or with a figure that cannot be, is left out: sessions only help.
    """
    found = []
    for number in sorted(_numbers(meta)):
        try:
            found.append(_SESSION.validate_json(meta[f"{KEY} {number}"]))
        except ValidationError:
            continue
    return tuple(found)


def next_number(meta: Mapping[str, str]) -> int:
    """The number of the session that follows those that the facts about a run hold."""
    return max(_numbers(meta), default=-1) + 1


def _numbers(meta: Mapping[str, str]) -> list[int]:
    """Of the sessions in *meta*, damaged ones included."""
    return [int(match[1]) for key in meta if (match := _NUMBERED.fullmatch(key))]
