"""Where a probe goes from what it has measured."""

from __future__ import annotations

from typing import Any

import pytest

from simkit.pace import BUDGET
from simkit.tuning.probe.stages import Go, Stage, Stop, next_step


def a_stage(concurrency: int, per_second: float, **changes: Any) -> Stage:
    answered = round(per_second * 100)
    fields: dict[str, Any] = {
        "concurrency": concurrency,
        "seconds": 100.0,
        "answered": answered,
        "refused": 0,
        "failed": 0,
        "input_tokens": 1_000 * answered,
        "output_tokens": 100 * answered,
        "mean_calls_in_flight": float(concurrency),
        "mean_seconds": 1.0,
        "p95_seconds": 2.0,
        "spread": 0.5,
        "seconds_by_role": {"assistant": 1.0},
        "longest_rest_seconds": 0.0,
    }
    return Stage(**{**fields, **changes})


def step(*stages: Stage, budget_used: float = 0.1, most: int = 1_000) -> Go | Stop:
    return next_step(stages, budget_used=budget_used, most=most)


def test_it_starts_small() -> None:
    assert step() == Go(2)
    assert step(most=1) == Go(1)


def test_it_doubles_while_throughput_does() -> None:
    assert step(a_stage(2, 2)) == Go(4)
    assert step(a_stage(2, 2), a_stage(4, 4)) == Go(8)


def test_where_throughput_grows_less_the_next_step_is_smaller() -> None:
    assert step(a_stage(8, 8), a_stage(16, 12)) == Go(24)


def test_it_doubles_again_where_a_smaller_step_pays_in_full() -> None:
    assert step(a_stage(8, 8), a_stage(16, 12), a_stage(24, 18)) == Go(48)


def test_it_stops_where_more_gives_nothing() -> None:
    stop = step(a_stage(8, 8), a_stage(16, 8.3))
    assert isinstance(stop, Stop)
    assert stop.ending == "flat"
    assert "16 conversations at once give 8.3 calls a second" in stop.why


def test_it_never_goes_beyond_the_most() -> None:
    assert step(a_stage(2, 2), a_stage(4, 4), most=5) == Go(5)
    stop = step(a_stage(2, 2), a_stage(5, 5), most=5)
    assert isinstance(stop, Stop)
    assert stop.ending == "highest"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ({"refused": 300}, "refused"),
        ({"failed": 100}, "fail"),
        ({"seconds_by_role": {"assistant": 3.5}}, "3.5 times as long"),
    ],
)
def test_it_stops_before_harm(harm: dict[str, Any], said: str) -> None:
    stop = step(a_stage(2, 2), a_stage(4, 4, **harm))
    assert isinstance(stop, Stop)
    assert stop.ending == "harm"
    assert said in stop.why


def test_failures_that_are_there_from_the_start_are_no_harm_of_load() -> None:
    """A provider that fails a tenth of all calls may fail 16 of the first 56 by chance."""
    first = a_stage(2, 0.4, failed=16)
    assert step(first) == Go(4)
    assert step(first, a_stage(4, 2, failed=22)) == Go(8)


def test_roles_that_are_asked_more_later_are_no_slowdown() -> None:
    first = a_stage(2, 2, seconds_by_role={"judge": 1.0, "assistant": 5.0})
    assert step(first, a_stage(4, 4, seconds_by_role={"assistant": 5.5})) == Go(8)


def test_a_long_rest_that_is_asked_for_is_the_end() -> None:
    stop = step(a_stage(2, 2, longest_rest_seconds=600.0))
    assert isinstance(stop, Stop)
    assert (stop.ending, "600 s" in stop.why) == ("rest", True)


def test_a_provider_that_answers_nothing_is_told_apart_from_one_that_is_slow() -> None:
    stop = step(a_stage(2, 0, refused=9, failed=3))
    assert isinstance(stop, Stop)
    assert stop.why == "none of 12 attempts was answered: 9 were refused, 3 failed"
    silent = step(a_stage(2, 0))
    assert isinstance(silent, Stop)
    assert silent.why == "no attempt came to an end in 100 s"


def test_nothing_new_is_begun_when_most_of_the_budget_is_spent() -> None:
    for stop in (
        step(a_stage(2, 2), budget_used=0.75),
        step(a_stage(2, 2, limiting={BUDGET: 0.5}), budget_used=0.6),
    ):
        assert isinstance(stop, Stop)
        assert stop.ending == "budget"


def test_a_budget_that_holds_back_before_any_conversation_has_told_its_cost_is_waited_for() -> None:
    held = a_stage(8, 8, limiting={BUDGET: 0.5})
    assert step(a_stage(4, 4), held) == Go(8)
    assert step(a_stage(4, 4), held, a_stage(8, 8)) == Go(16)
    stop = step(*[held] * 8)
    assert isinstance(stop, Stop)
    assert stop.ending == "budget"
