"""The sessions of a run, for people: when it was played, how fast, and what held it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.table import Table

from simkit.limit_options import limits_in_words
from simkit.pace import in_words
from simkit.session import AccountSession, Session
from simkit.tables import value_table

_MOST_SHOWN = 3
_MOST_CAUSES = 3
_LEAST_SHARE = 0.005
"""Of the time: less is shown as 0 %."""


def sessions_tables(sessions: Sequence[Session]) -> Iterator[Table]:
    """A table for each of the last three *sessions*; their titles tell how many there are."""
    for number, session in list(enumerate(sessions, 1))[-_MOST_SHOWN:]:
        title = f"session {number} of {len(sessions)}, {_when(session.started_at)}"
        yield value_table(title, {**_figures(session), **_limits(session.accounts)})


def _figures(session: Session) -> dict[str, str]:
    rate = session.calls / session.seconds if session.seconds > 0 else 0.0
    limited_by = in_words(session.limiting, most=_MOST_CAUSES, least=_LEAST_SHARE)
    return {
        "time": _duration(session.seconds),
        "conversations in flight": f"{session.peak_conversations:,} of {_concurrency(session)}",
        "conversations judged": f"{session.conversations:,}",
        "calls a second": f"{rate:,.1f}",
        "limited by": limited_by or "nothing",
    }


def _concurrency(session: Session) -> str:
    least, most = session.concurrency_range or (session.concurrency,) * 2
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _limits(accounts: Sequence[AccountSession]) -> Mapping[str, str]:
    """The limits in force at the end, by account."""
    shown: dict[str, str] = {}
    for account in accounts:
        name = f"limits of {account.model} at {account.provider}"
        others = sum(key.startswith(f"{name}, key ") for key in shown)
        if name in shown:  # several keys: the first is the one without a number
            name = f"{name}, key {others + 2}"
        shown[name] = limits_in_words(account.per_minute, account.max_in_flight)
    return shown


def _when(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"
    except (OverflowError, OSError, ValueError):  # after the year 9999
        return "at an unknown time"


def _duration(seconds: float) -> str:
    try:
        return str(timedelta(seconds=round(seconds)))
    except (OverflowError, ValueError):
        return "unknown"
