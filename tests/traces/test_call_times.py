"""Times and sizes of the calls of a run, read without its replies."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkit.traces.call_times import read_call_times
from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion, Usage
from simkit.traces.database import StoreError
from simkit.traces.records import Message
from simkit.traces.store import Store


async def record(store: Store, scenario: int, turn: int, times: CallTimes) -> None:
    request = ChatRequest(
        site=CallSite(scenario=scenario, role="assistant", turn=turn),
        messages=(Message(role="user", content="?"),),
    )
    usage = Usage(input_tokens=100 + turn, output_tokens=turn)
    answer = Answer(completion=Completion(content="!", usage=usage), times=times)
    await store.record_call(request.fingerprint("m"), request, "m", answer)


async def test_calls_are_in_order_of_conversation_and_asking_while_the_run_goes_on(
    tmp_path: Path,
) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        for scenario, turn, at in ((1, 2, 50.0), (0, 7, 90.0), (1, 1, 10.0), (0, 8, 95.0)):
            times = CallTimes(
                started_at=at, queued_seconds=1, provider_seconds=2, total_seconds=8, attempts=3
            )
            await record(store, scenario, turn, times)
        await store.save_meta("key", "value")
        found = read_call_times(tmp_path / "run.db")
    calls = found.calls
    assert calls.scenario.tolist() == [0, 0, 1, 1]
    assert calls.output_tokens.tolist() == [7, 8, 1, 2]
    assert calls.asked_at.tolist() == [90, 95, 10, 50]
    assert calls.sent_at.tolist() == [96, 101, 16, 56]
    assert calls.ended_at.tolist() == [98, 103, 18, 58]
    assert calls.attempts.tolist() == [3] * 4
    assert [calls.kinds[kind] for kind in calls.kind] == [("assistant", "m")] * 4
    assert found.damaged == 0
    assert found.outcomes == {}
    assert found.meta == {"key": "value"}
    assert found.database_bytes > 4_096


async def test_a_run_without_calls_has_none(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db"):
        pass
    found = read_call_times(tmp_path / "run.db")
    assert len(found.calls) == 0
    assert found.calls.kinds == ()


def test_what_is_no_run_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "run.db").write_text("no database")
    with pytest.raises(StoreError):
        read_call_times(tmp_path / "run.db")
