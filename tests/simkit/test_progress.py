"""Progress counts events and shows the state of a run in words."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from rich.console import Console

from simkit.bus import Bus, Gauges
from simkit.progress import Progress, facts
from simkit.spending import Spending
from simkit.tally import SlidingRate, Tally
from simkit.traces.calls import CallTimes, Usage
from simkit.traces.events import (
    AccountPaused,
    CallAnswered,
    CallRetried,
    ConversationPlayed,
    ConversationStarted,
    Event,
    Preparing,
    TrajectoryJudged,
)
from simkit.traces.filter_stages import Stage
from simkit.traces.records import Outcome


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def gauges(**changes: Any) -> Gauges:
    """One conversation in flight and nothing special; *changes* are values."""
    values = {
        "in_flight": 1,
        "filters_waiting": 3,
        "limiting": {"requests": 0.82, "provider latency": 0.18},
        "spending": (),
        "not_started": 0,
        "loop_behind_seconds": 0.0,
    } | changes
    return Gauges(**{name: lambda value=value: value for name, value in values.items()})


def judged(outcome: Outcome) -> Event:
    return TrajectoryJudged(scenario=0, outcome=outcome, checks=(), masked_turns=0, trained_turns=1)


def answered() -> Event:
    return CallAnswered(
        scenario=0,
        role="user",
        model="m",
        usage=Usage(input_tokens=100, output_tokens=20),
        times=CallTimes(started_at=0.0),
    )


def test_a_conversation_is_done_when_its_verdict_is_stored_not_before() -> None:
    tally = Tally(total=10, started_at=0.0)
    tally.count(ConversationStarted(scenario=0), 1.0)
    tally.count(ConversationPlayed(scenario=0, ended="user_done", cause=None, messages=4), 2.0)
    assert tally.done == 0

    for outcome in ("kept", "kept", "dropped", "failed"):
        tally.count(judged(outcome), 3.0)
    assert (tally.kept, tally.dropped, tally.failed, tally.done) == (2, 1, 1, 4)


def test_undecided_ones_are_done_and_told_apart() -> None:
    tally = Tally(total=2, started_at=0.0)
    tally.count(judged("undecided"), 1.0)
    assert tally.done == 1
    assert facts(tally, None, 2.0, NOON)[0] == (
        "1/2 done (kept 0, dropped 0, undecided 1, failed 0)"
    )


def test_each_stage_of_the_filters_tells_what_it_let_through_of_what_came_to_it() -> None:
    tally = Tally(total=10, started_at=0.0)
    stages: list[tuple[tuple[Stage, ...], Stage | None]] = [
        (("user", "rules", "trajectory_judge"), None),
        (("user", "rules"), "trajectory_judge"),
        (("user",), "rules"),
        ((), "user"),
    ]
    for passed, stopped in stages:
        event = TrajectoryJudged(
            scenario=0,
            outcome="dropped" if stopped else "kept",
            checks=(),
            masked_turns=0,
            trained_turns=0,
            passed=passed,
            stopped=stopped,
        )
        tally.count(event, 1.0)
    assert facts(tally, None, 2.0, NOON)[1] == "passed user 75%, rules 67%, judge of the whole 50%"


def test_calls_tokens_and_retries_add_up() -> None:
    tally = Tally(total=1, started_at=0.0)
    for _ in range(3):
        tally.count(answered(), 1.0)
    retry = CallRetried(scenario=0, role="user", cause="rate_limited", attempt=1, pause_seconds=2.0)
    tally.count(retry, 1.0)

    assert (tally.input_tokens, tally.output_tokens, tally.retries) == (300, 60, 1)


def test_a_rate_forgets_what_is_older_than_its_window() -> None:
    rate = SlidingRate(10.0)
    for tenth in range(200):
        rate.count(tenth / 10)

    assert rate.per_second(20.0, since=0.0) == pytest.approx(10.0, rel=0.05)
    assert rate.per_second(40.0, since=0.0) == 0.0


def test_a_rate_over_less_than_its_window_counts_from_the_start() -> None:
    rate = SlidingRate(10.0)
    for _ in range(6):
        rate.count(101.0)

    assert rate.per_second(102.0, since=100.0) == 3.0
    assert rate.per_second(100.0, since=100.0) == 0.0


def test_time_left_follows_the_pace_once_a_first_wave_is_through() -> None:
    tally = Tally(total=100, started_at=0.0)
    assert tally.seconds_left(10.0, in_flight=0, not_started=0) is None

    for second in range(10):
        tally.count(judged("kept"), float(second))
    assert tally.seconds_left(10.0, in_flight=10, not_started=0) == pytest.approx(90.0)
    assert tally.seconds_left(10.0, in_flight=10, not_started=30) == pytest.approx(60.0)
    assert tally.seconds_left(10.0, in_flight=11, not_started=0) is None


def test_the_state_is_told_in_words_with_what_limits_now() -> None:
    tally = Tally(total=2000, started_at=0.0)
    tally.count(judged("kept"), 5.0)
    tally.count(answered(), 5.0)

    assert facts(tally, gauges(), 10.0, NOON) == [
        "1/2,000 done (kept 1, dropped 0, failed 0)",
        "1 in flight",
        "3 waiting for filters",
        "0.1 calls/s",
        "100 tokens in, 20 out",
        "0 retries",
        "limited by requests (82%), provider latency (18%)",
        "0:00:10 elapsed",
        "5:33:10 left",
    ]


@pytest.mark.parametrize(
    ("lately", "told"),
    [
        ({}, "no limit reached"),
        ({"nothing": 1.0}, "no limit reached"),
        ({"nothing": 0.95, "requests": 0.05}, "no limit reached"),
        ({"nothing": 0.6, "requests": 0.4}, "limited by requests (40%)"),
        ({"tokens": 0.5, "disk": 0.3, "CPU": 0.2}, "limited by tokens (50%), disk (30%)"),
        ({"CPU": 0.92, "disk": 0.08}, "limited by CPU (92%)"),
    ],
)
def test_the_two_causes_that_held_the_run_up_most_are_told_unless_they_are_small(
    lately: dict[str, float], told: str
) -> None:
    shown = facts(Tally(total=10, started_at=0.0), gauges(limiting=lately), 1.0, NOON)
    assert [fact for fact in shown if "limit" in fact] == [told]


async def test_without_a_terminal_there_is_a_line_every_five_seconds_and_one_at_the_end() -> None:
    output = io.StringIO()
    bus = Bus()
    progress = Progress(bus, total=2, console=Console(file=output, width=60))
    async with anyio.create_task_group() as tasks:
        await tasks.start(progress.show)
        bus.publish(judged("kept"))
        await anyio.sleep(11)
        bus.publish(judged("dropped"))
        bus.close()

    lines = output.getvalue().splitlines()
    assert [line.partition(" (")[0] for line in lines] == ["1/2 done", "1/2 done", "2/2 done"]


async def test_on_a_terminal_the_last_frame_holds_the_end_and_the_cursor_is_given_back() -> None:
    output = io.StringIO()
    bus = Bus()
    console = Console(file=output, force_terminal=True, width=100)
    async with anyio.create_task_group() as tasks:
        await tasks.start(Progress(bus, total=1, console=console).show)
        bus.publish(judged("kept"))
        await anyio.sleep(1)
        bus.close()

    assert "1/1 done" in output.getvalue()
    assert output.getvalue().rindex("\x1b[?25h") > output.getvalue().rindex("\x1b[?25l")


async def test_a_cancelled_display_gives_the_terminal_back() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100)
    async with anyio.create_task_group() as tasks:
        await tasks.start(Progress(Bus(), total=1, console=console).show)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()

    assert output.getvalue().rstrip().endswith("\x1b[?25h")


def test_what_a_run_prepares_is_shown_until_the_first_conversation() -> None:
    tally = Tally(total=10, started_at=0.0)
    tally.count(Preparing(what="parameters embedded", done=500, total=2000), 1.0)
    assert facts(tally, None, 3.0, NOON) == ["parameters embedded: 500/2,000", "0:00:03 elapsed"]
    tally.count(ConversationStarted(scenario=0), 4.0)
    assert facts(tally, None, 5.0, NOON)[0].startswith("0/10 done")


def test_a_budget_is_shown_with_what_is_spent_and_forecast() -> None:
    tally = Tally(total=10, started_at=0.0)
    spending = (
        Spending(unit="tokens", spent=1_200_000, limit=10_000_000, forecast=8_900_000),
        Spending(unit="USD", spent=1.234, limit=10.0, forecast=None),
    )
    shown = facts(tally, gauges(spending=spending), 1.0, NOON)
    assert "spent 1.2M of 10.0M tokens, forecast 8.9M" in shown
    assert "spent 1.23 of 10.00 USD" in shown


def test_without_a_budget_only_the_money_that_is_spent_is_shown() -> None:
    tally = Tally(total=10, started_at=0.0)
    spending = (
        Spending(unit="tokens", spent=1_200_000, limit=None, forecast=8_900_000),
        Spending(unit="USD", spent=1.234, limit=None, forecast=9.0),
    )
    shown = facts(tally, gauges(spending=spending), 1.0, NOON)
    assert [fact for fact in shown if "spent" in fact] == ["spent 1.23 USD"]


def test_what_the_budget_does_not_reach_for_is_shown_and_not_waited_for() -> None:
    tally = Tally(total=10, started_at=0.0)
    for second in range(4):
        tally.count(judged("kept"), float(second))
    shown = facts(tally, gauges(not_started=6), 8.0, NOON)
    assert "6 not started: the budget does not reach for them" in shown
    assert shown[-1] == "0:00:00 left"


def test_a_late_event_loop_is_shown_when_it_matters() -> None:
    tally = Tally(total=10, started_at=0.0)
    assert "event loop 0.4 s behind" in facts(tally, gauges(loop_behind_seconds=0.4), 1.0, NOON)
    assert not any(
        "behind" in fact for fact in facts(tally, gauges(loop_behind_seconds=0.2), 1.0, NOON)
    )


def test_a_paused_account_is_shown_for_as_long_as_it_lasts() -> None:
    tally = Tally(total=10, started_at=0.0)
    tally.count(
        AccountPaused(account="m at host", seconds=7_500, reason="daily\nquota\x1b[2J used"), 100.0
    )
    shown = facts(tally, None, 100.0, NOON)
    assert "paused: m at host until 14:05 (daily quota [2J used)" in shown
    later = facts(tally, None, 7_601.0, NOON)
    assert not any("paused" in fact for fact in later)


def test_a_pause_beyond_midnight_tells_the_day() -> None:
    tally = Tally(total=10, started_at=0.0)
    tally.count(AccountPaused(account="m", seconds=86_400, reason="quota"), 0.0)
    assert "paused: m until 2026-05-02 12:00 (quota)" in facts(tally, None, 0.0, NOON)


def test_a_pause_is_told_with_what_ends_it_and_nothing_else_limits() -> None:
    paused = replace(gauges(paused_seconds=90.0 * 60), folder=Path("runs/a"))
    shown = facts(Tally(total=10, started_at=0.0), paused, 1.0, NOON)
    since = NOON - timedelta(minutes=90)
    assert shown[1] == f"paused since {since:%H:%M}; simkit resume runs/a goes on"
    assert not any("limit" in fact for fact in shown)
