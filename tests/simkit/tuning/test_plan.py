"""What a run would take follows from its limits, and the cheapest change is the one that helps."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from simkit.prices import Price
from simkit.tuning.plan import Plan, conversations_to_rehearse, make_plan
from simkit.tuning.plan_fluid import Situation, seconds_by_resource, slowest
from simkit.tuning.plan_progress import rehearsed_in
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.sweep import Progress
from simkit.tuning.workload import Latencies, Workload
from tests.simkit.tuning.planning import (
    MODEL,
    conversation,
    rehearse_by_arithmetic,
    rehearsed,
    situation,
    varied,
    workload,
)
from tests.simkit.tuning.sweeping import InOneProcess

PRICES = {MODEL: Price(models=(MODEL,), input=2.0, output=10.0)}
TEN = [conversation(10)] * 100
JUDGED = [conversation(8, judged=4)] * 100


def planned(now: Situation, wanted: int = 10_000) -> Plan:
    return make_plan(now, wanted, PRICES, rehearse_by_arithmetic)


def told(found: Rehearsed) -> Any:
    """A rehearsal that always finds the same."""
    return lambda *_, **__: found


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"requests_per_minute": 60}, 10.0),
        ({"tokens_per_minute": 66_000}, 10.0),  # 1,100 tokens a call
        ({"input_tokens_per_minute": 30_000}, 20.0),
        ({"output_tokens_per_minute": 2_000}, 30.0),
        ({"max_calls_in_flight": 2}, 10.0),  # 10 calls of 2 s, two at a time
        ({"requests_per_minute": 60, "max_calls_in_flight": 1}, 20.0),
    ],
)
def test_the_slowest_resource_sets_the_pace(limits: dict[str, float], seconds: float):
    uses = seconds_by_resource(situation(workload(TEN), **limits))

    assert slowest(uses) == pytest.approx(seconds)


def test_conversations_filters_and_the_cpu_are_resources_too():
    judged = workload([conversation(8, judged=4)], cpu=0.5)

    assert slowest(seconds_by_resource(situation(judged, concurrency=1))) == 16.0
    assert slowest(seconds_by_resource(situation(judged, workers=1, concurrency=16))) == 6.0
    assert slowest(seconds_by_resource(situation(workload(JUDGED), workers=1))) == 2.0


def test_two_keys_have_twice_the_quota():
    now = situation(workload(TEN), requests_per_minute=60)
    provider = now.config.providers["default"].model_copy(update={"api_key_env": ("A", "B")})
    twice = now.config.model_copy(update={"providers": {"default": provider}})

    assert slowest(seconds_by_resource(replace(now, config=twice))) == pytest.approx(5.0)


def test_a_plan_adds_up_what_the_run_takes():
    figures = planned(situation(workload(TEN), requests_per_minute=600)).figures

    assert figures.calls.expected == 100_000
    assert figures.input_tokens.expected == 100_000_000
    assert figures.output_tokens.expected == 10_000_000
    assert figures.money is not None
    assert figures.money.expected == pytest.approx(300.0)
    assert figures.kept.expected == 5_000
    assert figures.disk_bytes.expected == 500_000_000
    assert figures.memory_bytes.expected == 150_000_000
    assert figures.seconds is not None
    assert figures.seconds.expected == pytest.approx(10_000)  # 100,000 calls at 10 a second


def test_what_was_not_rehearsed_follows_at_the_steady_pace():
    """1,000 calls in 140 s, though 10 a second in the middle: 40 s are its start and end."""
    found = rehearsed(seconds=140.0, calls_per_second=10.0, calls=1_000, conversations=100)

    figures = make_plan(situation(workload(TEN)), 1_100, {}, told(found)).figures

    assert figures.seconds is not None
    assert figures.seconds.expected == pytest.approx(1_140)


def test_the_time_is_in_its_interval_nine_times_in_ten():
    limits = {"requests_per_minute": 600.0}
    everyone = situation(workload(varied(5_000, random.Random(-1))), **limits)
    truth = 100_000 * slowest(seconds_by_resource(everyone))
    covered = 0
    for seed in range(20):
        few = workload(varied(20, random.Random(seed)))
        found = planned(situation(few, **limits), 100_000).figures.seconds
        assert found is not None
        covered += found.low <= truth <= found.high

    assert covered >= 16


def test_the_time_varies_as_the_resource_that_binds_does():
    """Calls differ, and with them time, where requests bind; not where sizes of calls do."""
    unlike = [conversation(n, tokens=(10_000 // n, 0)) for n in (2, 5, 10, 20)] * 25
    by_requests = planned(situation(workload(unlike), requests_per_minute=60))
    by_tokens = planned(situation(workload(unlike), input_tokens_per_minute=10_000))

    assert by_requests.figures.seconds is not None
    assert by_tokens.figures.seconds is not None
    assert by_requests.figures.seconds.high > 1.13 * by_requests.figures.seconds.expected
    assert by_tokens.figures.seconds.high < 1.11 * by_tokens.figures.seconds.expected


def test_load_that_was_never_recorded_raises_the_upper_end():
    now = situation(workload(TEN, peak=10), concurrency=160)

    def at(in_flight: float) -> Plan:
        return make_plan(now, 1_000, {}, told(rehearsed(in_flight=in_flight)))

    known, unknown = at(10.0).figures.seconds, at(160.0).figures.seconds
    assert known is not None
    assert unknown is not None
    assert unknown.low == known.low
    assert unknown.high == pytest.approx(4 * known.high)  # 16 times the load
    assert any("never more than 10" in doubt for doubt in at(160.0).doubts)
    assert not any("never more than 10" in doubt for doubt in at(10.0).doubts)


def test_load_that_was_never_recorded_does_no_harm_where_a_quota_binds():
    now = situation(workload(TEN, peak=10), concurrency=160, requests_per_minute=6)
    found = make_plan(now, 1_000, {}, told(rehearsed(in_flight=160.0))).figures.seconds

    assert found is not None
    assert found.high < 1.2 * found.expected


def test_few_conversations_are_said_to_be_few():
    def doubts(recorded: int) -> str:
        return " ".join(planned(situation(workload(TEN[:recorded]), requests_per_minute=6)).doubts)

    assert "only 1 recorded conversation foretells" in doubts(1)
    assert "only 12 recorded conversations foretell" in doubts(12)
    assert "widened" not in doubts(30)


BINDING = [
    ({"requests_per_minute": 60}, "requests a minute x 1.5", "more quota"),
    ({"tokens_per_minute": 60_000}, "tokens a minute x 1.5", "more quota"),
    ({"input_tokens_per_minute": 60_000}, "input tokens a minute x 1.5", "more quota"),
    ({"output_tokens_per_minute": 6_000}, "output tokens a minute x 1.5", "more quota"),
    ({"max_calls_in_flight": 4}, "calls in flight that the provider allows x 1.5", "more quota"),
    ({"concurrency": 4}, "8 conversations in flight, not 4", "nothing"),
]


@pytest.mark.parametrize(("limits", "what", "takes"), BINDING)
def test_the_cheapest_change_is_more_of_what_binds(limits: dict[str, Any], what: str, takes: str):
    plan = planned(situation(workload(TEN, cpu=0.001), **limits))

    assert plan.advised is not None
    assert (plan.advised.what, plan.advised.takes) == (what, takes)
    assert plan.advised.gain == pytest.approx(1 / 3 if takes == "more quota" else 1 / 2)


def test_filter_workers_are_free_where_filters_bind():
    plan = planned(situation(workload(JUDGED), workers=2))

    assert plan.advised is not None
    assert plan.advised.what == "4 filter workers, not 2"


def test_fewer_judges_go_before_more_quota():
    plan = planned(situation(workload(JUDGED), requests_per_minute=60))

    assert plan.advised is not None
    assert plan.advised.takes == "fewer judges"
    assert plan.advised.gain == pytest.approx(1 / 3)  # 4 of 12 calls
    assert plan.advised.money == pytest.approx(-120.0)  # a third of 10,000 x 12 x 0.003


def test_another_machine_helps_where_the_cpu_binds():
    plan = planned(situation(workload(TEN, cpu=0.01)))

    assert plan.advised is not None
    assert plan.advised.takes == "another machine"


def test_limits_that_are_reached_together_are_raised_together():
    plan = planned(situation(workload(TEN), requests_per_minute=60, tokens_per_minute=66_000))

    assert [one.gain for one in plan.changes if one.what != plan.changes[0].what] == [0, 0]
    assert plan.advised is not None
    assert plan.advised.what == "every limit of the provider x 1.5"


def test_no_change_is_advised_where_none_helps():
    plan = make_plan(
        situation(workload(TEN), requests_per_minute=60), 10_000, PRICES, told(rehearsed())
    )

    assert plan.changes
    assert plan.advised is None


def test_a_raised_limit_is_enforced_and_told():
    asked: list[Situation] = []

    def each(rehearsing: Any, items: Any) -> list[Rehearsed]:
        asked.extend(items)
        return list(map(rehearsing, items))

    now = situation(workload(TEN), max_calls_in_flight=3)
    make_plan(now, 1_000, PRICES, rehearse_by_arithmetic, each=each)

    raised = [
        (one.config.providers["default"].max_calls_in_flight, limit)
        for one in asked
        if (limit := one.terms["default"].max_calls_in_flight) != 3
    ]
    assert raised == [(5, 5)]


def test_more_in_flight_is_tried_under_a_load_that_slows():
    """Ten times the latency under load: what seems idle without load is not."""
    slow = replace(workload(TEN), latencies=Latencies(classes=((2.0,),), doubled_at=10.0))
    now = situation(slow, concurrency=100, requests_per_minute=600)

    assert any("in flight" in one.what for one in planned(now).changes)


def test_a_run_that_would_not_end_has_no_time_and_says_why():
    found = rehearsed(finished=0, stopped_by="the provider answers nothing")
    plan = make_plan(situation(workload(TEN), requests_per_minute=60), 1_000, PRICES, told(found))

    assert plan.figures.seconds is None
    assert plan.advised is None
    assert all(math.isinf(one.seconds) for one in plan.changes)
    assert plan.rehearsed.stopped_by == "the provider answers nothing"


def test_a_change_that_lets_it_end_is_advised():
    def rehearse(config: Any, one: Workload, terms: Any, *, conversations: int) -> Rehearsed:
        if config.run.concurrency == 4:
            return rehearsed(finished=0, stopped_by="it stands still")
        return rehearsed()

    now = situation(workload(TEN), concurrency=4)
    plan = make_plan(now, 1_000, {}, rehearse)

    assert plan.advised is not None
    assert plan.advised.gain == 1.0
    assert plan.advised.what == "8 conversations in flight, not 4"


@pytest.mark.parametrize(
    ("wanted", "concurrency", "expected"),
    [(50, 64, 50), (100_000, 4, 200), (100_000, 64, 300), (100_000, 100, 400)],
)
def test_enough_is_rehearsed_for_a_steady_pace(wanted: int, concurrency: int, expected: int):
    """600 s at one conversation in 2 s, four for each that is in flight, or 200."""
    now = situation(workload(TEN), concurrency=concurrency, requests_per_minute=300)

    assert conversations_to_rehearse(now, wanted) == expected


def test_rehearsals_are_bounded():
    """10,000 calls; 30,000 where two for each in flight need more than that."""
    usual = situation(workload(TEN), concurrency=300)
    more = situation(workload(TEN), concurrency=900)
    most = situation(workload(TEN), concurrency=100_000)
    long = situation(workload([conversation(1_000)]), concurrency=50)

    assert conversations_to_rehearse(usual, 160_000) == 1_000
    assert conversations_to_rehearse(more, 160_000) == 1_800
    assert conversations_to_rehearse(most, 160_000) == 3_000
    assert conversations_to_rehearse(long, 160_000) == 30


def test_all_of_a_plan_is_bounded_and_tells_what_that_leaves_out():
    played: list[int] = []

    def rehearse(*arguments: Any, conversations: int) -> Rehearsed:
        played.append(conversations)
        return rehearse_by_arithmetic(*arguments, conversations=conversations)

    now = situation(workload(JUDGED), concurrency=100_000, requests_per_minute=1e6)
    plan = make_plan(now, 1_000_000, {}, rehearse)

    assert 12 * sum(played) <= 11 * 30_000
    assert any("so no more were in flight, and 100,000 may be" in one for one in plan.doubts)


def test_progress_tells_calls_of_all_and_of_those_that_are_done():
    told: list[Progress] = []
    now = situation(workload(TEN), concurrency=4)

    found = rehearsed_in(InOneProcess(), told.append, 50, lambda _: rehearsed(), [now, now])

    assert len(found) == 2
    assert told == [Progress(0, 0.0, 1_000), Progress(1, 500, 1_000), Progress(2, 1_000, 1_000)]
