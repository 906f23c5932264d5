"""Which settings are tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.tuning.grid import Ways, doublings, search
from simkit.tuning.knee import knee_of
from simkit.tuning.predicted import Predicted
from simkit.tuning.rehearsed import Setting
from tests.simkit.tuning.sweeping import Law, predicted

LATENCY = {"provider latency": 1.0}


def derived(concurrency: int) -> int:
    return max(4, concurrency // 4)


def tried(
    ways: Ways,
    law: Law,
    limiting: Callable[[Setting], Mapping[str, float]] = lambda _: LATENCY,
    **changes: Any,
) -> list[list[Predicted]]:
    """What is found, batch by batch, where throughput follows *law*."""
    batches: list[list[Predicted]] = []
    looking = search(ways, 2)
    batch = next(looking)
    while True:
        batches.append(
            [
                predicted(
                    one.concurrency,
                    law(one.concurrency, one.filter_workers),
                    filter_workers=one.filter_workers,
                    limiting=limiting(one),
                    **changes,
                )
                for one in batch
            ]
        )
        try:
            batch = looking.send([one for found in batches for one in found])
        except StopIteration:
            return batches


def settings_of(batches: list[list[Predicted]]) -> list[tuple[int, int]]:
    return [(one.setting.concurrency, one.setting.filter_workers) for b in batches for one in b]


@pytest.mark.parametrize(("most", "sizes"), [(1, [1]), (8, [1, 2, 4, 8]), (9, [1, 2, 4, 8, 9])])
def test_doublings_end_with_the_most_there_may_be(most: int, sizes: list[int]):
    assert list(doublings(most)) == sizes


def test_lists_are_tried_in_every_combination_and_nothing_else():
    ways = Ways(concurrency=(8, 3, 8), filter_workers=(2, 5), derived=derived)

    found = settings_of(tried(ways, lambda *_: 1.0))

    assert found == [(8, 2), (8, 5), (3, 2), (3, 5)]


def test_concurrency_is_doubled_until_that_gains_nothing():
    batches = tried(Ways(derived=derived), lambda size, _: min(size, 50.0))

    coarse = [size for size, _ in settings_of(batches) if size & (size - 1) == 0]
    assert coarse == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_the_gaps_around_the_knee_are_tried_more_closely():
    batches = tried(Ways(derived=derived), lambda size, _: min(size, 50.0))

    fine = [size for size, _ in settings_of(batches) if size & (size - 1)]
    assert len(fine) == 4
    assert any(49 <= size <= 54 for size in fine)


@pytest.mark.parametrize(("used", "most"), [(0.99, 2), (0.93, 4), (0.8, 8)])
def test_the_more_of_a_quota_is_used_the_fewer_doublings_are_tried(used: float, most: int):
    batches = tried(
        Ways(derived=derived), lambda size, _: min(size, 1.0), quota_used={"requests": used}
    )

    coarse = [size for size, _ in settings_of(batches) if size & (size - 1) == 0]
    assert max(coarse) <= most


def test_nothing_is_tried_after_a_provider_that_refuses_everything():
    assert settings_of(tried(Ways(derived=derived), lambda *_: 0.0)) == [(1, 4), (2, 4)]


def test_more_filter_workers_are_tried_where_filters_hold_it_up():
    def held(one: Setting) -> Mapping[str, float]:
        return {"filters": 0.6} if one.filter_workers < one.concurrency else LATENCY

    ways = Ways(most=64, derived=derived)
    batches = tried(ways, lambda size, workers: min(size, workers, 40.0), held)

    knee = knee_of([one for batch in batches for one in batch]).setting
    assert knee is not None
    assert min(knee.concurrency, knee.filter_workers) >= 40


def test_filter_workers_stay_as_derived_where_filters_hold_nothing_up():
    found = settings_of(tried(Ways(derived=derived), lambda size, _: min(size, 50.0)))

    assert all(workers == derived(size) for size, workers in found)


def test_numbers_of_filter_workers_that_are_named_are_compared_at_the_knee():
    ways = Ways(filter_workers=(2, 16, 4), derived=derived)

    batches = tried(ways, lambda size, workers: min(size, 5.0 * workers, 50.0))

    assert [workers for _, workers in settings_of(batches[-1:])] == [2, 4]
    assert {workers for _, workers in settings_of(batches[:-1])} == {16}


LAWS = st.one_of(
    st.floats(1, 3_000).map(lambda most: lambda size, _: min(size, most)),
    # Universal Scalability Law: contention and coherence.
    st.tuples(st.floats(0, 0.2), st.floats(0, 0.01)).map(
        lambda law: lambda n, _: n / (1 + law[0] * (n - 1) + law[1] * n * (n - 1))
    ),
    st.floats(1, 1_000).map(lambda doubled: lambda size, _: size / (1 + size / doubled)),
)


@given(law=LAWS, most=st.integers(1, 4_096))
@settings(max_examples=150)
def test_the_knee_is_at_least_95_percent_of_the_best_there_is(law: Law, most: int):
    batches = tried(Ways(most=most, derived=derived), law)

    found = [one for batch in batches for one in batch]
    knee = knee_of(found).setting
    assert knee is not None
    best = max(law(size, 4) for size in range(1, most + 1))
    assert law(knee.concurrency, 4) >= 0.95 * best
    sizes = settings_of(batches)
    assert len(sizes) == len(set(sizes)) <= math.log2(most) + 7
    assert all(1 <= size <= most for size, _ in sizes)
