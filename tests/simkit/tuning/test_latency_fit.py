"""What the latencies of recorded calls tell about load and size."""

from __future__ import annotations

import heapq
import random
from dataclasses import fields

import numpy as np
import pytest

from simkit.traces.call_times import CallTable
from simkit.tuning.latency_fit import FEWEST_IN_BIN, MOST_VALUES, fit_latencies

SIGMA = 0.4
KINDS = (("assistant", "m"), ("tool", "m"))


def a_table(
    calls: int = 2_000,
    *,
    doubled_at: float | None = None,
    loads: tuple[int, int] = (1, 40),
    sigma: float = SIGMA,
    seed: int = 1,
    tool_share: float = 0.3,
) -> CallTable:
    """Calls of two roles, as many at once as *loads* say at the beginning and at the end.

    Without load an assistant's takes 0.5 s and 5 ms a token, and a tool's three times that.
    """
    draw = random.Random(seed)
    rows: list[tuple[int, int, int, float, float]] = []
    busy: list[float] = []
    now = 0.0
    for number in range(calls):
        most = loads[0] + (loads[1] - loads[0]) * number / calls
        while busy and (busy[0] <= now or len(busy) >= most):
            now = max(now, heapq.heappop(busy))
        tokens, kind = draw.choice((20, 100, 400)), int(draw.random() < tool_share)
        seconds = (0.5 + 0.005 * tokens) * (3 if kind else 1) * draw.lognormvariate(0, sigma)
        if doubled_at is not None:
            seconds *= 1 + (len(busy) + 1) / doubled_at
        heapq.heappush(busy, now + seconds)
        rows.append((kind, draw.randint(500, 3_000), tokens, now, now + seconds))
        now += 1e-4
    kind_of, inputs, outputs, sent_at, ended_at = map(np.array, zip(*rows, strict=True))
    return CallTable(
        scenario=np.arange(calls) // 20,
        kind=kind_of,
        input_tokens=inputs,
        output_tokens=outputs,
        asked_at=sent_at,
        sent_at=sent_at,
        ended_at=ended_at,
        attempts=np.ones(calls, dtype=np.int64),
        kinds=KINDS,
    )


@pytest.mark.parametrize("doubled_at", [10.0, 20.0, 60.0])
def test_a_slow_down_is_found_within_15_percent(doubled_at: float) -> None:
    found = [
        fit_latencies(a_table(doubled_at=doubled_at, seed=seed)).latencies.doubled_at
        for seed in range(5)
    ]
    assert None not in found
    errors = sorted(abs(one / doubled_at - 1) for one in found if one is not None)
    assert errors[2] < 0.15, found


def test_no_slow_down_is_found_where_there_is_none() -> None:
    fits = [fit_latencies(a_table(seed=seed)) for seed in range(10)]
    assert [fit.latencies.doubled_at for fit in fits] == [None] * 10
    assert all(fit.loads_differ for fit in fits)


def test_roles_that_meet_other_loads_are_no_slow_down() -> None:
    """
    Slow tools that are asked while much is in flight, and quick assistants while little is.
    """
    early, late = (
        a_table(1_000, loads=(1, 10), tool_share=0),
        a_table(1_000, loads=(10, 40), tool_share=1, seed=2),
    )
    both = {
        field.name: np.concatenate([getattr(early, field.name), getattr(late, field.name)])
        for field in fields(CallTable)
        if field.name != "kinds"
    }
    for name in ("asked_at", "sent_at", "ended_at"):
        both[name][1_000:] += 1e6
    assert fit_latencies(CallTable(kinds=KINDS, **both)).latencies.doubled_at is None


def test_the_load_is_taken_out_of_the_latencies() -> None:
    fit = fit_latencies(a_table(doubled_at=20.0, tool_share=0.0))
    medians = [float(np.median(seconds)) for seconds in fit.latencies.classes]
    assert medians == pytest.approx([0.6, 1.0, 2.5], rel=0.15)


def test_latencies_depend_on_role_and_size() -> None:
    calls = a_table(sigma=0.0)
    fit = fit_latencies(calls)
    for index in range(0, len(calls), 97):
        seconds = fit.latencies.classes[fit.latency_class[index]]
        took = calls.ended_at[index] - calls.sent_at[index]
        assert seconds == pytest.approx([took] * len(seconds))
    assert len(fit.latencies.classes) == 2 * 3


def test_the_load_of_a_call_is_what_is_in_flight_with_it() -> None:
    calls = a_table(4, loads=(4, 4))
    calls.sent_at[:] = [0.0, 1.0, 2.0, 9.0]
    calls.ended_at[:] = [5.0, 1.5, 6.0, 9.0]
    fit = fit_latencies(calls)
    assert fit.loads.tolist() == [1, 2, 2, 1]
    assert fit.peak_calls_in_flight == 2


def test_one_load_tells_nothing_of_others() -> None:
    fit = fit_latencies(a_table(loads=(20, 20)))
    assert fit.latencies.doubled_at is None
    assert not fit_latencies(a_table(loads=(1, 1))).loads_differ


def test_few_calls_that_hung_or_took_no_time_do_not_decide() -> None:
    calls = a_table(doubled_at=20.0)
    calls.ended_at[:1_000:100] = calls.sent_at[:1_000:100]
    calls.ended_at[1_000::100] += 300.0
    found = fit_latencies(calls).latencies.doubled_at
    assert found == pytest.approx(20.0, rel=0.25)


def test_classes_hold_neither_few_latencies_nor_all_of_very_many() -> None:
    calls = a_table(12_000, loads=(5, 5))
    draw = np.random.default_rng(1)
    calls.output_tokens[:] = draw.integers(1, 1_000, len(calls))
    fit = fit_latencies(calls)
    sizes = np.bincount(fit.latency_class)
    assert len(sizes) == 16
    assert sizes.min() >= FEWEST_IN_BIN
    one = fit_latencies(a_table(12_000, loads=(5, 5), tool_share=0))
    assert max(map(len, one.latencies.classes)) == MOST_VALUES
    assert all(list(seconds) == sorted(seconds) for seconds in one.latencies.classes)


def test_thinning_keeps_the_distribution_and_leaves_nothing_to_chance() -> None:
    calls = a_table(12_000, loads=(5, 5), tool_share=0)
    once, again = fit_latencies(calls), fit_latencies(calls)
    assert once.latencies == again.latencies
    for number, thinned in enumerate(once.latencies.classes):
        of_class = once.latency_class == number
        every = (calls.ended_at - calls.sent_at)[of_class]
        assert np.quantile(thinned, 0.9) == pytest.approx(np.quantile(every, 0.9), rel=0.01)
        assert np.mean(thinned) == pytest.approx(np.mean(every), rel=0.01)


def test_a_single_call_has_a_latency() -> None:
    fit = fit_latencies(a_table(1, sigma=0.0))
    assert len(fit.latencies.classes) == 1
    assert fit.latencies.doubled_at is None
    assert not fit.loads_differ
