"""Runs as the store keeps them, made without playing any."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simkit.config_file import load_config, to_toml
from simkit.session import AccountSession, Session, session_note
from simkit.traces.calls import (
    AgentRole,
    Answer,
    CallSite,
    CallTimes,
    ChatRequest,
    Completion,
    Usage,
)
from simkit.traces.records import Message
from simkit.traces.rows import call_row
from simkit.traces.run_directory import RunDirectory

START = 1_790_000_000.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as the store keeps it; seconds are from the start of the run."""

    scenario: int = 0
    role: AgentRole = "assistant"
    model: str = "m"
    at: float
    """When it was asked."""
    total: float = 1.0
    provider: float | None = None
    """None: all of the total."""
    tokens: tuple[int, int] = (100, 10)
    attempts: int = 1


SESSION = Session(
    started_at=START,
    seconds=100.0,
    concurrency=40,
    filter_workers=10,
    peak_conversations=40,
    conversations=40,
    calls=1_000,
    loop_cpu_seconds=5.0,
    memory_bytes_before=100_000_000,
    memory_bytes_peak=140_000_000,
    disk_bytes=1_000_000,
)
ACCOUNT = AccountSession(
    provider="p",
    model="m",
    told_per_minute={},
    per_minute={},
    max_in_flight=10,
    peak_in_flight=10,
    answered=90,
    refused={"requests": 7},
    failed=10,
    failed_seconds=30.0,
    seconds_waited={},
)


def a_run(
    folder: Path,
    calls: Iterable[Call],
    *,
    outcomes: dict[int, str | None] | None = None,
    sessions: Iterable[Session] = (),
    **options: Any,
) -> RunDirectory:
    """A run with *calls*, and trajectories of all their scenarios unless *outcomes* tells which."""
    calls = list(calls)
    if outcomes is None:
        outcomes = {call.scenario: "kept" for call in calls}
    config = {"model.name": "m", "run.conversations": max(1, len(outcomes))} | options
    run = RunDirectory.create(folder / "run", to_toml(load_config(None, config)))
    with closing(sqlite3.connect(run.database_path)) as database:
        for number, call in enumerate(calls):
            _insert(database, "calls", _row_of(call, number))
        for scenario, outcome in outcomes.items():
            of = {"scenario": scenario}
            _insert(
                database,
                "trajectories",
                of
                | {"id": f"0-{scenario}", "ended": "user_done", "cause": None, "error": None}
                | {"seconds": 1.0, "messages": 2, "body": b"not read"},
            )
            if outcome is not None:
                _insert(
                    database,
                    "verdicts",
                    of | {"filter_set": "run", "outcome": outcome, "body": b"not read"},
                )
        for number, session in enumerate(sessions):
            key, value = session_note(session, number)
            _insert(database, "meta", {"key": key, "value": value})
        database.commit()
    return run


def _row_of(call: Call, number: int) -> dict[str, Any]:
    request = ChatRequest(
        site=CallSite(scenario=call.scenario, role=call.role, turn=number),
        messages=(Message(role="user", content="?"),),
    )
    used = Usage(input_tokens=call.tokens[0], output_tokens=call.tokens[1])
    times = CallTimes(
        started_at=START + call.at,
        provider_seconds=call.total if call.provider is None else call.provider,
        total_seconds=call.total,
        attempts=call.attempts,
    )
    answer = Answer(completion=Completion(content="!", usage=used), times=times)
    return call_row(request.fingerprint(call.model), request, call.model, answer)


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"
    database.execute(statement, tuple(row.values()))


def in_turn(
    scenario: int = 0, *, calls: int = 4, begins: float = 0.0, pause: float = 0.25, total: float = 1
) -> list[Call]:
    return [
        Call(scenario=scenario, at=begins + number * (total + pause), total=total)
        for number in range(calls)
    ]
