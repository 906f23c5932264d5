"""What a rehearsal of some conversations says of all of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simkit.tuning.predicted import Demand, predicted
from tests.simkit.tuning.planning import conversation, rehearsed, workload

DEMAND = Demand(calls=10, input_tokens=10_000, output_tokens=1_000)


def test_demand_is_the_mean_over_conversations():
    found = Demand.of(workload([conversation(4), conversation(8, judged=2)]))

    assert found == Demand(calls=7, input_tokens=7_000, output_tokens=700)


def test_what_was_rehearsed_whole_is_taken_as_it_was():
    whole = rehearsed(conversations=100, seconds=120, calls_per_second=99)

    assert predicted(whole, 100, DEMAND).seconds == 120


def test_others_follow_at_the_steady_pace_and_start_and_end_count_once():
    part = rehearsed(conversations=100, calls=1_000, calls_per_second=10, seconds=120)

    assert predicted(part, 1_000, DEMAND).seconds == 20 + 10_000 / 10


def test_longer_conversations_than_usual_in_the_rehearsal_do_not_slow_down_the_others():
    part = rehearsed(conversations=100, calls=2_000, calls_per_second=10, seconds=200)

    assert predicted(part, 1_000, DEMAND).seconds == 10_000 / 10


def test_larger_calls_than_usual_do_neither_where_tokens_bind():
    large = rehearsed(conversations=100, calls=1_000, calls_per_second=10, seconds=100)
    large = replace(large, input_tokens=2_000_000, quota_used={"requests": 0.2, "tokens": 0.97})

    usual = (DEMAND.input_tokens + DEMAND.output_tokens) / DEMAND.calls
    played = (large.input_tokens + large.output_tokens) / large.calls
    assert predicted(large, 1_000, DEMAND).seconds == pytest.approx(1_000 * usual / played)
    idle = replace(large, quota_used={"tokens": 0.5})
    assert predicted(idle, 1_000, DEMAND).seconds == 1_000


def test_without_a_steady_middle_all_of_it_is_the_pace():
    part = rehearsed(conversations=100, calls=1_000, calls_per_second=0, seconds=200)

    assert predicted(part, 1_000, DEMAND).seconds == 2_000


def test_conversations_that_ask_nothing_take_their_own_work():
    part = rehearsed(conversations=100, calls=0, calls_per_second=0, seconds=5)

    assert predicted(part, 1_000, Demand(calls=0, input_tokens=0, output_tokens=0)).seconds == 50


def test_a_rehearsal_that_was_stopped_tells_of_a_run_that_never_ends():
    stopped = replace(rehearsed(finished=40, stopped_by="the key was refused"), money=2.0)

    found = predicted(stopped, 100, DEMAND)

    assert math.isinf(found.seconds)
    assert (found.conversations_per_hour, found.calls_per_second, found.money) == (0, 0, None)


def test_money_and_refusals_grow_with_the_conversations():
    part = replace(rehearsed(conversations=100), money=0.5, refused=7)

    found = predicted(part, 1_000, DEMAND)

    assert (found.money, found.refused) == (5.0, 70)


def test_a_quota_counts_as_used_only_as_far_as_start_and_end_leave_it():
    part = rehearsed(conversations=100, calls=1_000, calls_per_second=10, seconds=200)
    part = replace(part, quota_used={"tokens": 0.3, "requests": 0.9})

    assert predicted(part, 100, DEMAND).quota_used == pytest.approx(0.9 / 2)
    assert predicted(part, 100_000, DEMAND).quota_used == pytest.approx(0.9, rel=0.01)
