"""What a saved run tells of what it asked of its providers."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from simkit.tuning.recorded import NothingRecorded, read_workload
from simkit.tuning.recorded_costs import (
    USUAL_BASE_BYTES,
    USUAL_BYTES_PER_CONVERSATION,
    USUAL_CPU_SECONDS_PER_CALL,
)
from simkit.tuning.workload import Round, Workload, WorkloadConversation, calls_of
from tests.simkit.tuning.recorded_runs import ACCOUNT, SESSION, Call, a_run, in_turn


def shape(rounds: Iterable[Round]) -> list[list[str]]:
    return [[call.role for call in one.calls] for one in rounds]


def pauses(conversation: WorkloadConversation) -> list[float]:
    rounds = (*conversation.playing, *conversation.judging)
    return [round(one.pause_seconds, 6) for one in rounds]


def said(workload: Workload, words: str) -> bool:
    return any(words in doubt for doubt in workload.doubts)


def test_calls_that_overlap_are_one_round_and_others_follow_each_other(tmp_path: Path) -> None:
    run = a_run(
        tmp_path,
        [
            Call(role="tool", at=2.02, total=3.0),  # as stored, so in no order
            Call(role="writer", at=0.0),
            Call(role="tool", at=2.01, total=0.5),
            Call(role="assistant", at=1.0),
            Call(role="tool", at=2.6, total=1.0),
            Call(role="assistant", at=5.1),
        ],
    )
    (conversation,) = read_workload(run).conversations
    assert shape(conversation.playing) == [
        ["writer"],
        ["assistant"],
        ["tool", "tool", "tool"],
        ["assistant"],
    ]
    assert pauses(conversation) == [0.0, 0.0, 0.01, 0.08]


def test_judges_come_after_and_waiting_for_a_filter_is_no_pause(tmp_path: Path) -> None:
    """
    The gate asks as the writer, before the conversation, and is part of it.
    """
    gate, intent = Call(role="writer", at=0.0), Call(role="writer", at=1.1)
    judges = [Call(role="judge", at=at) for at in (500.0, 501.02, 501.03)]
    run = a_run(tmp_path, [gate, intent, Call(at=2.2), *judges])
    (conversation,) = read_workload(run).conversations
    assert shape(conversation.playing) == [["writer"], ["writer"], ["assistant"]]
    assert shape(conversation.judging) == [["judge"], ["judge", "judge"]]
    assert pauses(conversation) == [0.0, 0.1, 0.1, 0.0, 0.02]


def test_waiting_for_limits_and_retries_is_no_pause(tmp_path: Path) -> None:
    run = a_run(tmp_path, [Call(at=0, total=50.0, provider=2.0, attempts=3), Call(at=50.5)])
    workload = read_workload(run)
    assert pauses(workload.conversations[0]) == [0.0, 0.5]
    (seconds,) = workload.latencies.classes
    assert seconds == pytest.approx((1.0, 2.0))


def test_hours_between_two_parts_of_a_run_are_no_pause(tmp_path: Path) -> None:
    calls = in_turn(0, calls=10) + [
        call for scenario in range(1, 4) for call in in_turn(scenario, calls=10)
    ]
    went_on = [replace(call, at=call.at + 20_000) if call.at > 5 else call for call in calls]
    workload = read_workload(a_run(tmp_path, went_on))
    assert [pauses(one) for one in workload.conversations] == [[0.0] + [0.25] * 9] * 4


def test_slow_own_work_stays_while_others_go_on(tmp_path: Path) -> None:
    """
    One round waits for a function in Python; only silence of the whole run is no work.
    """
    slow, others = in_turn(calls=10, pause=0.01), in_turn(1, calls=100, pause=0.01)
    slow = [replace(call, at=call.at + 30) if call.at > 5 else call for call in slow]
    workload = read_workload(a_run(tmp_path, [*slow, *others]))
    assert max(pauses(workload.conversations[0])) == pytest.approx(30.01)


def test_slow_own_work_of_all_stays(tmp_path: Path) -> None:
    slow = [replace(call, at=call.at * 3) for call in in_turn(calls=10, pause=2.0)]
    (conversation,) = read_workload(a_run(tmp_path, slow)).conversations
    assert pauses(conversation) == [0.0] + [8.0] * 9


def test_sizes_and_models_are_those_of_the_calls(tmp_path: Path) -> None:
    run = a_run(tmp_path, [Call(at=0, tokens=(7, 3)), Call(at=2, model="n", tokens=(9, 5))])
    first, second = calls_of(read_workload(run).conversations[0])
    assert (first.model, first.input_tokens, first.output_tokens) == ("m", 7, 3)
    assert (second.model, second.input_tokens, second.output_tokens) == ("n", 9, 5)
    assert first.latency_class != second.latency_class


def test_of_many_conversations_every_kth_is_taken_and_all_latencies(tmp_path: Path) -> None:
    calls = [Call(scenario=number, at=2.0 * number, tokens=(number + 1, 1)) for number in range(50)]
    run = a_run(tmp_path, calls)
    workload = read_workload(run, most_conversations=20)
    sizes = [call.input_tokens - 1 for one in workload.conversations for call in calls_of(one)]
    assert sizes == list(range(0, 50, 3))
    assert sum(map(len, workload.latencies.classes)) == 50
    assert workload == read_workload(run, most_conversations=20)


def test_failed_and_unjudged_conversations_count_and_those_in_flight_do_not(tmp_path: Path) -> None:
    calls = [call for scenario in range(4) for call in in_turn(scenario, calls=scenario + 1)]
    outcomes = {0: "failed", 1: None, 2: "kept", 9: "failed"}
    workload = read_workload(a_run(tmp_path, calls, outcomes=outcomes, **{"run.conversations": 20}))
    assert [len(calls_of(one)) for one in workload.conversations] == [1, 2, 3, 0]
    assert workload.kept_share == pytest.approx(1 / 3)
    assert workload.peak_calls_in_flight == 4
    assert said(workload, "17 of its 20 conversations have no verdict yet")


def test_where_nothing_has_ended_what_is_in_flight_counts(tmp_path: Path) -> None:
    run = a_run(tmp_path, in_turn(0) + in_turn(1), outcomes={7: "failed"})
    workload = read_workload(run)
    assert len(workload.conversations) == 2
    assert said(workload, "No conversation of the run has ended")


def test_the_kept_share_is_all_while_nothing_is_judged(tmp_path: Path) -> None:
    assert read_workload(a_run(tmp_path, in_turn(), outcomes={0: None})).kept_share == 1.0


def test_a_role_that_met_little_load_is_named(tmp_path: Path) -> None:
    calls = [Call(scenario=number, at=0.001 * number, total=0.5) for number in range(10)]
    calls += [Call(scenario=number, role="judge", at=5.0 + number) for number in range(10)]
    calls += [
        Call(scenario=100 + wave * 40 + place, at=1_000 * wave + 100 + 0.001 * place)
        for wave in range(20)
        for place in range(40)
    ]
    assert said(read_workload(a_run(tmp_path, calls)), "The calls of judge (m) never met 4")


def test_calls_of_judges_that_were_asked_later_are_not_of_the_run(tmp_path: Path) -> None:
    judges = [Call(role="judge", at=10), Call(role="judge", model="another", at=9_000)]
    workload = read_workload(a_run(tmp_path, [*in_turn(), *judges]))
    assert shape(workload.conversations[0].judging) == [["judge"]]


def test_sessions_tell_failures_and_the_cost_of_the_machine(tmp_path: Path) -> None:
    sessions = [
        replace(SESSION, accounts=(ACCOUNT,)),
        replace(SESSION, calls=500, loop_cpu_seconds=1.0, peak_conversations=3),
    ]
    run = a_run(tmp_path, [*in_turn(), Call(scenario=1, at=0, attempts=9)], sessions=sessions)
    workload = read_workload(run)
    assert workload.failures.share == pytest.approx(0.1)
    assert workload.failures.seconds == (3.0,)
    assert workload.machine.cpu_seconds_per_call == pytest.approx(6.0 / 1_500)
    assert workload.machine.base_bytes == 100_000_000
    assert workload.machine.bytes_per_conversation == 1_000_000
    size = run.database_path.stat().st_size
    assert workload.machine.disk_bytes_per_conversation == size // 2
    assert said(workload, "all of the run was recorded with concurrency 40")


def test_a_run_whose_concurrency_was_changed_is_not_said_to_have_had_one(tmp_path: Path) -> None:
    changed = replace(SESSION, concurrency_range=(8, 40))
    workload = read_workload(a_run(tmp_path, in_turn(), sessions=[changed]))
    assert not said(workload, "all of the run was recorded with")


def test_without_sessions_attempts_are_failures_and_the_machine_is_a_usual_one(
    tmp_path: Path,
) -> None:
    workload = read_workload(a_run(tmp_path, [*in_turn(calls=3), Call(at=9, attempts=2)]))
    assert workload.failures.share == pytest.approx(1 / 5)
    assert workload.failures.seconds == ()
    assert workload.machine.cpu_seconds_per_call == USUAL_CPU_SECONDS_PER_CALL
    assert workload.machine.base_bytes == USUAL_BASE_BYTES
    assert workload.machine.bytes_per_conversation == USUAL_BYTES_PER_CONVERSATION
    assert said(workload, "did not measure its machine")
    assert said(workload, "all of the run was recorded with concurrency 64")


def test_a_session_with_few_conversations_does_not_tell_their_memory(tmp_path: Path) -> None:
    narrow = replace(SESSION, peak_conversations=31)
    workload = read_workload(a_run(tmp_path, in_turn(), sessions=[narrow]))
    assert workload.machine.bytes_per_conversation == USUAL_BYTES_PER_CONVERSATION
    assert said(workload, "too few conversations at once")


def test_a_small_run_at_one_load_says_that_it_is(tmp_path: Path) -> None:
    workload = read_workload(a_run(tmp_path, in_turn()))
    assert said(workload, "only 1 conversation:")
    assert said(workload, "only 4 calls")
    assert said(workload, "only ever had about 1 call in flight")


def test_a_large_run_under_different_loads_gives_little_to_doubt(tmp_path: Path) -> None:
    draw = random.Random(3)
    calls = []
    for wave in range(60):
        for place in range(40):  # all of a wave in flight at once, one after the other
            seconds = 10 * draw.lognormvariate(0, 0.4) * (1 + (place + 1) / 20)
            begins = wave * 1_000 + place * 0.001
            calls.append(Call(scenario=wave * 40 + place, at=begins, total=seconds))
    other = replace(SESSION, concurrency=80)
    sessions = [replace(SESSION, calls=2_400), replace(other, accounts=(ACCOUNT,))]
    workload = read_workload(a_run(tmp_path, calls, sessions=sessions))
    assert workload.doubts == ()
    assert workload.peak_calls_in_flight == 40
    assert workload.latencies.doubled_at == pytest.approx(20, rel=0.15)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("started_at", "soon"),
        ("started_at", -1.0),
        ("provider_seconds", float("inf")),
        ("provider_seconds", 7.0),
        ("total_seconds", b"\x00"),
        ("input_tokens", -1),
        ("output_tokens", 1e300),
        ("attempts", 0),
        ("role", "nobody"),
        ("role", b"\xff"),
    ],
)
def test_a_call_that_cannot_be_is_left_out_and_counted(
    tmp_path: Path, column: str, value: object
) -> None:
    run = a_run(tmp_path, in_turn(0) + in_turn(1))
    with closing(sqlite3.connect(run.database_path)) as database:
        database.execute(f"UPDATE calls SET {column} = ? WHERE rowid = 2", (value,))
        database.commit()
    workload = read_workload(run)
    assert [len(calls_of(one)) for one in workload.conversations] == [3, 4]
    assert said(workload, "1 of the run's calls")


def test_a_call_whose_time_is_missing_is_left_out(tmp_path: Path) -> None:
    run = a_run(tmp_path, in_turn())
    with closing(sqlite3.connect(run.database_path)) as database:
        database.executescript(
            "CREATE TABLE copied AS SELECT * FROM calls; DROP TABLE calls;"
            "ALTER TABLE copied RENAME TO calls; UPDATE calls SET total_seconds = NULL"
            " WHERE rowid = 1"
        )
    assert len(calls_of(read_workload(run).conversations[0])) == 3


def test_a_run_without_an_answered_call_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingRecorded, match=r"no answered call.*simkit generate .*--from"):
        read_workload(a_run(tmp_path, [], outcomes={0: "failed"}))


def test_a_run_of_which_all_calls_are_damaged_says_so(tmp_path: Path) -> None:
    run = a_run(tmp_path, in_turn())
    with closing(sqlite3.connect(run.database_path)) as database:
        database.execute("UPDATE calls SET total_seconds = -1.0")
        database.commit()
    with pytest.raises(NothingRecorded, match="none of the 4 calls"):
        read_workload(run)
