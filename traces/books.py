"""The closed books of a run: every conversation, call and token in exactly one account.

A call belongs to its conversation, whatever it was for, so the accounts of conversations
are those of calls and tokens too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from simkit.traces.calls import Usage
from simkit.traces.counts import text_in, whole_number

Account = Literal["kept", "dropped", "undecided", "failed", "in_flight", "abandoned"]
"""What has become of a conversation.

kept, dropped, undecided, failed: by its verdict. in_flight: begun and not judged; the run ends
it when it goes on. abandoned: the same, but the run was since configured for fewer
conversations, so it does not go on with this one.
"""

ACCOUNTS: tuple[Account, ...] = get_args(Account)

NOT_ENDED = "not_ended"
NOT_JUDGED = "not_judged"
"""Causes of what is in flight or abandoned."""

_TOKENS = tuple(field.name for field in fields(Usage))

# A verdict may have several reasons; the first decides, since the filters stop at the first
# stage that objects. The number of a conversation is its position in the run, from 0.
_LEDGER = f"""
CREATE TEMP TABLE ledger (
    scenario INTEGER PRIMARY KEY, account TEXT NOT NULL, cause TEXT
);
INSERT INTO ledger
SELECT t.scenario,
    coalesce(v.outcome, iif(t.scenario < :wanted, 'in_flight', 'abandoned')),
    CASE
        WHEN v.outcome IS NULL THEN '{NOT_JUDGED}'
        WHEN v.outcome = 'kept' THEN NULL
        ELSE coalesce(json_extract(CAST(v.body AS TEXT), '$.reasons[0].check'), t.cause)
    END
FROM trajectories AS t
LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = :verdicts;
INSERT INTO ledger
SELECT DISTINCT scenario, iif(scenario < :wanted, 'in_flight', 'abandoned'), '{NOT_ENDED}'
FROM calls WHERE scenario NOT IN (SELECT scenario FROM trajectories)
"""  # noqa: S608 - our own words
_CONVERSATIONS = "SELECT account, cause, count(*) FROM ledger GROUP BY account, cause"
_BEGUN = "SELECT count(*) FROM ledger WHERE scenario < ?"
_CALLS = f"""
SELECT account, cause, role, model, count(*), sum(attempts) - count(*),
    {", ".join(f"sum({name})" for name in _TOKENS)}
FROM calls LEFT JOIN ledger USING (scenario)
GROUP BY account, cause, role, model ORDER BY account, cause, role, model
"""  # noqa: S608 - our own columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one stage has spent on the conversations of one account and cause."""

    account: Account
    cause: str | None
    """Of a dropped conversation the check that objected first, of an undecided one why nobody
    could decide; None for kept ones."""
    stage: str
    """Role that the calls were made for."""
    model: str
    calls: int
    retried_attempts: int
    """Attempts beyond the first, over all calls."""
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Accounts of a run at one moment; each call is in exactly one entry."""

    conversations: Mapping[tuple[Account, str | None], int]
    """Account and cause to the number of conversations that were begun."""
    not_begun: int
    """Conversations that are wanted and have neither a call nor a trajectory."""
    entries: tuple[Entry, ...]
    """Ordered by account, cause, stage and model."""


def close_books(connection: sqlite3.Connection, *, wanted: int, verdicts: str) -> Books:
    """The books by the set *verdicts*; reads no reply and no conversation.

    Time grows with the number of calls. To be called inside a transaction, so that all of
    it is about one moment; it leaves a temporary table in *connection*.

    Args:
        wanted: How many conversations the run is to have.

    Raises:
        sqlite3.Error: It cannot be read.
        ValueError: A row does not hold what it should.
    """
    for statement in _LEDGER.split(";\n"):
        connection.execute(statement, {"wanted": wanted, "verdicts": verdicts})
    (begun,) = connection.execute(_BEGUN, (wanted,)).fetchone()
    return Books(
        conversations={
            (_account(account), _cause(cause)): count
            for account, cause, count in connection.execute(_CONVERSATIONS).fetchall()
        },
        not_begun=wanted - begun,
        entries=tuple(_entries(connection)),
    )


def _entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    for account, cause, role, model, calls, retried, *tokens in connection.execute(_CALLS):
        yield Entry(
            account=_account(account),
            cause=_cause(cause),
            stage=text_in(role, "role of a call"),
            model=text_in(model, "model of a call"),
            calls=calls,
            retried_attempts=whole_number(retried, "calls"),
            usage=Usage(
                **{
                    name: whole_number(number, "calls")
                    for name, number in zip(_TOKENS, tokens, strict=True)
                }
            ),
        )


def _account(value: object) -> Account:
    for account in ACCOUNTS:
        if value == account:
            return account
    raise ValueError("a verdict is damaged: it has no outcome")


def _cause(value: object) -> str | None:
    return None if value is None else text_in(value, "cause of a conversation")
