"""Totals foretold from a few conversations lie in their intervals, mostly."""

from __future__ import annotations

import random

import numpy as np
import pytest

from simkit.prices import Price
from simkit.tuning.plan_demand import Range, Resampling, Values, spent_by
from tests.simkit.tuning.planning import MODEL, conversation, varied, workload

WANTED = 100_000
PRICES = {MODEL: Price(models=(MODEL,), input=2.0, output=10.0)}


def calls(recorded: int, seed: int) -> Values:
    return spent_by(workload(varied(recorded, random.Random(seed))), {}).calls


def width(found: Range) -> float:
    return (found.high - found.low) / found.expected


@pytest.mark.parametrize("recorded", [5, 40])
def test_the_truth_is_in_the_interval_nine_times_in_ten(recorded: int):
    truth = WANTED * float(calls(20_000, seed=-1).mean())
    found = [Resampling(recorded).total(calls(recorded, seed), WANTED) for seed in range(60)]

    covered = sum(one.low <= truth <= one.high for one in found)

    assert covered >= 48
    assert all(width(one) < 20 / recorded for one in found)  # none by being boundless


def test_a_few_conversations_to_come_vary_by_themselves():
    """However much was recorded, ten conversations are not a thousand times one hundredth."""
    recorded, wanted = calls(2_000, seed=1), 10
    found = Resampling(len(recorded)).total(recorded, wanted)
    draw = random.Random(5)
    sums = [sum(draw.choices(list(recorded), k=wanted)) for _ in range(200)]

    covered = sum(found.low <= total <= found.high for total in sums)

    assert 160 <= covered <= 198


def test_more_conversations_narrow_the_interval():
    found = [Resampling(n).total(calls(n, seed=3), WANTED) for n in (8, 40, 400)]

    assert width(found[0]) > 1.5 * width(found[1]) > 3 * width(found[2])


def test_a_single_conversation_tells_a_total_to_a_factor_of_three():
    found = Resampling(1).total(np.array([12.0]), WANTED)

    assert found.low == pytest.approx(found.expected / 3)
    assert found.high == pytest.approx(found.expected * 3)


def test_conversations_that_are_alike_by_chance_still_leave_doubt():
    found = Resampling(2).total(np.array([12.0, 12.0]), WANTED)

    assert found.high == pytest.approx(2 * found.expected)


def test_nothing_asked_for_stays_nothing():
    found = Resampling(3).total(np.zeros(3), WANTED)

    assert (found.low, found.expected, found.high) == (0, 0, 0)


def test_mostly_empty_conversations_give_finite_intervals():
    found = Resampling(4).total(np.array([0.0, 0.0, 0.0, 8.0]), WANTED)

    assert 0 < found.low < found.expected < found.high < float("inf")


def test_the_same_trace_gives_the_same_interval():
    recorded = calls(30, seed=2)

    assert Resampling(30).total(recorded, 500) == Resampling(30).total(recorded, 500)


def test_amounts_are_summed_for_each_conversation():
    spent = spent_by(workload([conversation(2), conversation(3, judged=1)]), PRICES)

    assert spent.calls.tolist() == [2, 4]
    assert spent.input_tokens.tolist() == [2_000, 4_000]
    assert spent.output_tokens.tolist() == [200, 400]
    assert spent.money is not None
    assert spent.money.tolist() == pytest.approx([0.006, 0.012])  # 0.002 in and 0.001 out a call


def test_there_is_no_cost_without_a_price():
    assert spent_by(workload([conversation(2)]), {}).money is None


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_conversations_kept_are_never_more_than_are_wanted(share: float):
    found = Resampling(20).kept(share, 1_000)

    assert 0 <= found.low <= found.expected == share * 1_000 <= found.high <= 1_000
    assert found.low < found.high
