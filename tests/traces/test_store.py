"""The store: durable before it returns, in few transactions, readable at any time."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import anyio
import orjson
import pytest

from simkit.traces.calls import (
    AgentRole,
    Answer,
    CallSite,
    CallTimes,
    ChatRequest,
    Completion,
    RequestedCall,
    Usage,
)
from simkit.traces.functions import Function
from simkit.traces.records import Message, Reason, Scenario, Trajectory, TurnVerdict, Verdict
from simkit.traces.run_reader import RunReader, StoredTrajectory
from simkit.traces.store import Store, StoreError

REASON = Reason(check="schema_valid_arguments", message="city is missing")
KEPT = Verdict(
    outcome="kept",
    turns=(TurnVerdict(index=1, ok=False, reasons=(REASON,)), TurnVerdict(index=3, ok=True)),
)
DROPPED = Verdict(outcome="dropped", reasons=(REASON, REASON, Reason(check="loop", message="x")))


def a_request(scenario: int = 0, role: AgentRole = "assistant") -> ChatRequest:
    site = CallSite(scenario=scenario, role=role, turn=1)
    return ChatRequest(site=site, messages=(Message(role="user", content="hello"),))


def an_answer(content: str = "Good day.") -> Answer:
    return Answer(
        completion=Completion(
            content=content,
            reasoning="Polite.",
            tool_calls=(RequestedCall(id="a", name="f", arguments="{}"),),
            finish_reason="tool_calls",
            usage=Usage(
                input_tokens=11, output_tokens=7, cached_input_tokens=5, reasoning_tokens=3
            ),
            model="m-2025",
            extras={"system_fingerprint": "fp"},
        ),
        times=CallTimes(
            started_at=1.5,
            queued_seconds=0.25,
            provider_seconds=0.5,
            total_seconds=0.75,
            attempts=3,
        ),
    )


async def record(store: Store, request: ChatRequest, answer: Answer | None = None) -> bytes:
    fingerprint = request.fingerprint("m")
    await store.record_call(fingerprint, request, "m", answer or an_answer())
    return fingerprint


def rows_in(path: Path, table: str) -> int:
    """Seen through a connection of its own."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def test_a_call_is_there_for_others_when_recording_returns(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        await record(store, a_request())
        assert rows_in(tmp_path / "run.db", "calls") == 1


def test_a_recorded_call_outlives_the_killing_of_its_process(tmp_path: Path) -> None:
    program = """
import os, signal, sys, anyio
from pathlib import Path
from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion
from simkit.traces.records import Message
from simkit.traces.store import Store

async def main():
    site = CallSite(scenario=0, role="user", turn=0)
    request = ChatRequest(site=site, messages=(Message(role="user", content="hello"),))
    answer = Answer(completion=Completion(content="paid for"), times=CallTimes(started_at=0.0))
    async with Store.open(Path(sys.argv[1])) as store:
        await store.record_call(b"fingerprint", request, "m", answer)
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main)
"""
    path = tmp_path / "run.db"
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -9
    with closing(sqlite3.connect(path)) as connection:
        (reply,) = connection.execute("SELECT reply FROM calls").fetchone()
    assert orjson.loads(reply)["content"] == "paid for"


async def test_an_answer_comes_back_as_it_was_recorded(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        fingerprint = await record(store, a_request())
        assert store.recorded_call(fingerprint) == an_answer()
        assert store.recorded_call(b"another") is None
    async with Store.open(tmp_path / "run.db") as store:
        assert store.recorded_call(fingerprint) == an_answer()


async def test_the_first_answer_to_a_fingerprint_stays(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        await record(store, a_request(), an_answer("first"))
        fingerprint = await record(store, a_request(), an_answer("second"))
        answer = store.recorded_call(fingerprint)
    assert answer is not None
    assert answer.completion.content == "first"


async def test_concurrent_calls_share_their_transactions(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        async with anyio.create_task_group() as tasks:
            for scenario in range(500):
                tasks.start_soon(record, store, a_request(scenario))
        assert store.commits <= 20
    assert rows_in(tmp_path / "run.db", "calls") == 500


async def test_a_cancelled_caller_loses_neither_its_row_nor_those_of_others(
    tmp_path: Path,
) -> None:
    """What is handed in was paid for: it is stored even if its caller does not wait."""
    returned: list[int] = []

    async def record_and_note(store: Store, scenario: int) -> None:
        await record(store, a_request(scenario))
        returned.append(scenario)

    async with Store.open(tmp_path / "run.db") as store, anyio.create_task_group() as others:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as cancelled:
                cancelled.start_soon(record_and_note, store, 0)
                for scenario in range(1, 50):
                    others.start_soon(record_and_note, store, scenario)
                scope.cancel()
    assert sorted(returned) == list(range(1, 50))
    assert rows_in(tmp_path / "run.db", "calls") == 50


async def test_a_cancelled_run_stores_what_was_handed_in(tmp_path: Path) -> None:
    with anyio.CancelScope() as run:
        async with Store.open(tmp_path / "run.db") as store, anyio.create_task_group() as tasks:
            for scenario in range(300):  # more than the queue holds
                tasks.start_soon(record, store, a_request(scenario))
            run.cancel()
    assert run.cancelled_caught
    assert rows_in(tmp_path / "run.db", "calls") == 300


async def test_an_error_inside_the_store_reaches_the_caller_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with Store.open(tmp_path / "run.db"):
            raise ValueError("mine")


async def test_leaving_folds_the_log_into_the_one_file(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        await record(store, a_request())
    assert not (tmp_path / "run.db-wal").exists()
    assert rows_in(tmp_path / "run.db", "calls") == 1


async def test_a_full_disk_is_told_to_all_who_wait_and_all_who_come(
    tmp_path: Path, little_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "run.db"
    told: list[str] = []
    returned: list[int] = []

    async def record_or_note(store: Store, scenario: int) -> None:
        try:
            await record(store, a_request(scenario), an_answer("x" * 3000))
        except StoreError as error:
            told.append(str(error))
        else:
            returned.append(scenario)

    async with Store.open(path) as store:
        await record_or_note(store, 0)
        with little_disk(256 * 1024):
            async with anyio.create_task_group() as tasks:
                for scenario in range(1, 400):
                    tasks.start_soon(record_or_note, store, scenario)
        await record_or_note(store, 400)

    assert len(told) + len(returned) == 401
    assert len(told) >= 2  # at least one that waited, and the last
    assert set(told) == {told[0]}
    assert told[0].startswith(f"cannot write {path}: ")
    assert "\n" not in told[0]
    assert rows_in(path, "calls") == len(returned)


async def test_after_the_store_is_closed_nothing_can_be_stored(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        pass
    with pytest.raises(StoreError, match="is closed"):
        await record(store, a_request())


async def test_a_row_that_does_not_fit_costs_no_other_row(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    """A verdict needs its trajectory; without it, only this one is refused."""
    refused: list[str] = []

    async def save_orphan(store: Store) -> None:
        try:
            await store.save_verdict(99, KEPT)
        except StoreError as error:
            refused.append(str(error))

    async with Store.open(tmp_path / "run.db") as store:
        async with anyio.create_task_group() as tasks:
            for scenario in range(20):
                tasks.start_soon(record, store, a_request(scenario))
            tasks.start_soon(save_orphan, store)
        await store.save_trajectory(a_trajectory(), seconds=1.0)
    assert len(refused) == 1
    assert "cannot hold this row: FOREIGN KEY" in refused[0]
    assert rows_in(tmp_path / "run.db", "calls") == 20
    assert rows_in(tmp_path / "run.db", "trajectories") == 1


async def test_trajectories_come_back_as_they_were_saved_in_scenario_order(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    path = tmp_path / "run.db"
    async with Store.open(path) as store:
        for number in (2, 0, 1):
            await store.save_trajectory(a_trajectory(number), seconds=number + 0.5)
        await store.save_verdict(2, DROPPED)
        await store.save_verdict(0, KEPT)
    with RunReader(path) as reader:
        assert list(reader.trajectories()) == [
            StoredTrajectory(trajectory=a_trajectory(0), verdict=KEPT, seconds=0.5),
            StoredTrajectory(trajectory=a_trajectory(1), verdict=None, seconds=1.5),
            StoredTrajectory(trajectory=a_trajectory(2), verdict=DROPPED, seconds=2.5),
        ]
        kept = [stored.trajectory.scenario.number for stored in reader.trajectories("kept")]
        assert kept == [0]
        found = reader.trajectory(1)
        assert found is not None
        assert found.trajectory == a_trajectory(1)
        assert reader.trajectory(9) is None


async def test_a_function_is_stored_once_however_many_scenarios_offer_it(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
) -> None:
    path = tmp_path / "run.db"
    first = a_scenario(0, a_function("b"), a_function("a"))
    second = a_scenario(1, a_function("a"), a_function("b"), a_function("a", description="Other."))
    async with Store.open(path) as store:
        for scenario in (first, second):
            trajectory = a_trajectory(scenario.number, scenario=scenario)
            await store.save_trajectory(trajectory, seconds=1.0)
    assert rows_in(path, "functions") == 3
    with RunReader(path) as reader:
        assert [s.trajectory.scenario for s in reader.trajectories()] == [first, second]


async def test_a_new_trajectory_takes_the_verdict_on_the_old_one_with_it(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    path = tmp_path / "run.db"
    failed = a_trajectory(0, ended="failed", cause="rate_limited", error="asked too fast")
    async with Store.open(path) as store:
        await store.save_trajectory(failed, seconds=1.0)
        await store.save_verdict(0, Verdict(outcome="failed"))
        await store.save_trajectory(a_trajectory(0), seconds=2.0)
    with RunReader(path) as reader:
        assert list(reader.trajectories()) == [
            StoredTrajectory(trajectory=a_trajectory(0), verdict=None, seconds=2.0)
        ]


async def test_a_run_can_be_read_while_it_is_written(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    path = tmp_path / "run.db"
    async with Store.open(path) as store:
        for number in range(3):
            await store.save_trajectory(a_trajectory(number), seconds=1.0)
        with RunReader(path) as reader:
            early = reader.trajectories()
            seen = [next(early).trajectory.scenario.number]
            await store.save_trajectory(a_trajectory(3), seconds=1.0)
            seen += [stored.trajectory.scenario.number for stored in early]
            assert seen == [0, 1, 2]  # as it was when reading began
            assert reader.counts().played == 4


async def test_the_counts_say_what_became_of_the_run(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    path = tmp_path / "run.db"
    failed = a_trajectory(2, ended="failed", cause="rate_limited", error="asked too fast")
    limit = a_trajectory(3, ended="limit", cause="message_limit")
    async with Store.open(path) as store:
        for trajectory in (a_trajectory(0), a_trajectory(1), failed, limit):
            await store.save_trajectory(trajectory, seconds=1.0)
        await store.save_verdict(0, KEPT)
        await store.save_verdict(1, DROPPED)
        await store.save_verdict(2, Verdict(outcome="failed", reasons=(REASON,)))
        await record(store, a_request(0, "user"))
        await record(store, a_request(0))
        await record(store, a_request(1))
    with RunReader(path) as reader:
        counts = reader.counts()
    assert (counts.played, counts.unjudged) == (4, 1)
    assert (counts.kept, counts.dropped, counts.failed) == (1, 1, 1)
    assert counts.causes == {"message_limit": 1, "rate_limited": 1}
    assert counts.drop_reasons == {"loop": 1, "schema_valid_arguments": 1}
    assert counts.mask_reasons == {"schema_valid_arguments": 1}
    assert (counts.trained_turns, counts.masked_turns) == (1, 1)
    assert (counts.calls, counts.input_tokens, counts.output_tokens) == (3, 33, 21)
    assert list(counts.calls_by_role.items()) == [("assistant", 2), ("user", 1)]
    assert counts.retried_attempts == 6


async def test_reasons_for_masks_are_counted_by_turn(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    """A turn counts once for each check that masked it, whatever the check's complaints."""
    loop = Reason(check="loop", message="x")
    turns = (
        TurnVerdict(index=1, ok=False, reasons=(REASON, REASON, loop)),
        TurnVerdict(index=3, ok=False, reasons=(REASON,)),
    )
    async with Store.open(tmp_path / "run.db") as store:
        await store.save_trajectory(a_trajectory(0), seconds=1.0)
        await store.save_verdict(0, Verdict(outcome="kept", turns=turns))
    with RunReader(tmp_path / "run.db") as reader:
        counts = reader.counts()
    assert counts.masked_turns == 2
    assert counts.mask_reasons == {"schema_valid_arguments": 2, "loop": 1}


async def test_an_empty_run_counts_nothing(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        await store.save_meta("requested", "5")
        await store.save_meta("requested", "500")
    with RunReader(tmp_path / "run.db") as reader:
        assert reader.counts().played == reader.counts().calls == 0
        assert reader.meta() == {"requested": "500"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": 2}, "conversation 5 in .* has record version 2 .* works with version 1"),
        ({"colour": "red"}, "conversation 5 in .* is damaged: its field `colour` is unfit"),
        ({"ended": "bored"}, "conversation 5 in .* is damaged: its field `ended` is unfit"),
    ],
)
async def test_a_trajectory_that_this_version_cannot_understand_is_refused(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    change: dict[str, object],
    complaint: str,
) -> None:
    path = tmp_path / "run.db"
    async with Store.open(path) as store:
        await store.save_trajectory(a_trajectory(5), seconds=1.0)
    with closing(sqlite3.connect(path)) as connection, connection:
        (body,) = connection.execute("SELECT body FROM trajectories").fetchone()
        changed = orjson.dumps(orjson.loads(body) | change)
        connection.execute("UPDATE trajectories SET body = ?", (changed,))
    with RunReader(path) as reader, pytest.raises(StoreError, match=complaint):
        list(reader.trajectories())


async def test_a_damaged_database_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    async with Store.open(path) as store:
        await record(store, a_request())
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with RunReader(path) as reader, pytest.raises(StoreError, match=r"cannot read .*malformed"):
        reader.counts()


async def test_files_that_are_no_store_are_refused_and_left_alone(tmp_path: Path) -> None:
    theirs, text, newer = (tmp_path / name for name in ("theirs.db", "text.db", "newer.db"))
    with closing(sqlite3.connect(theirs)) as connection:
        connection.execute("CREATE TABLE t (x)")
    text.write_text("not a database at all, " * 10)
    async with Store.open(newer):
        pass
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 2")
    for path, complaint in (
        (theirs, "not the database of a simkit run"),
        (text, "not the database of a simkit run"),
        (newer, "store version 2"),
    ):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=complaint):
            async with Store.open(path):
                pass
        with pytest.raises(StoreError, match=complaint):
            RunReader(path)
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="No such file"):
        RunReader(tmp_path / "missing.db")


async def test_what_is_cached_in_a_record_does_not_reach_the_store(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    trajectory = a_trajectory()
    plain = replace(trajectory)
    assert all(message.wire for message in trajectory.messages)
    assert all(function.tool_json for function in trajectory.scenario.tools)
    async with Store.open(tmp_path / "run.db") as store:
        await store.save_trajectory(trajectory, seconds=1.0)
    with RunReader(tmp_path / "run.db") as reader:
        stored = reader.trajectory(0)
    assert stored is not None
    assert stored.trajectory == plain
    assert b"_wire" not in (tmp_path / "run.db").read_bytes()
