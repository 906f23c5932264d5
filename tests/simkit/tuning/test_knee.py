"""The setting that is recommended, and why."""

from __future__ import annotations

import pytest

from simkit.tuning.knee import knee_of
from simkit.tuning.predicted import Predicted
from simkit.tuning.rehearsed import Setting
from tests.simkit.tuning.sweeping import predicted


def at(concurrency: int, filter_workers: int = 4) -> Setting:
    return Setting(concurrency=concurrency, filter_workers=filter_workers)


@pytest.mark.parametrize(
    ("throughputs", "knee"),
    [
        ({8: 50, 16: 99, 32: 100, 64: 100}, 16),
        ({8: 50, 16: 97, 32: 100, 64: 100}, 32),
        ({8: 50, 16: 100, 32: 99.5, 64: 60}, 16),
        ({64: 100, 8: 100, 16: 100}, 8),
        ({1: 10}, 1),
        ({1: 0, 2: 5}, 2),
    ],
)
def test_the_smallest_that_is_about_as_fast_as_the_fastest_is_recommended(
    throughputs: dict[int, float], knee: int
):
    tried = [predicted(size, per_hour) for size, per_hour in throughputs.items()]

    assert knee_of(tried).setting == at(knee)


def test_of_equal_concurrency_the_fewest_filter_workers_are_recommended():
    tried = [predicted(8, 100, filter_workers=workers) for workers in (16, 8, 32)]

    assert knee_of(tried).setting == at(8, 8)


def test_a_limit_that_is_used_up_is_the_reason():
    full = {"requests": 0.99, "tokens": 0.4}

    knee = knee_of([predicted(48, 100, quota_used=full), predicted(64, 101)])

    assert knee.why == (
        "More than 48 conversations in flight gain nothing: requests a minute are used up to 99%."
    )


def test_no_more_than_all_of_a_limit_is_said_to_be_used():
    knee = knee_of([predicted(48, 100, quota_used={"tokens": 1.04}), predicted(64, 101)])

    assert "tokens a minute are used up to 100%" in knee.why


def test_a_provider_that_slows_down_is_the_reason():
    quick = predicted(1, 10, mean_latency_seconds=1.0)
    slow = {"limiting": {"provider latency": 0.9}, "mean_latency_seconds": 3.0}

    knee = knee_of([quick, predicted(8, 100, **slow), predicted(16, 101, **slow)])

    assert "the provider takes 3.0 times as long as when it is asked little" in knee.why


def test_more_that_makes_it_slower_is_said_to_do_so():
    knee = knee_of([predicted(8, 100), predicted(16, 80)])

    assert "More than 8 conversations in flight are at least 20% slower" in knee.why


def test_the_largest_that_was_tried_may_not_be_the_best():
    assert (
        "were not tried, and may gain more" in knee_of([predicted(8, 50), predicted(16, 100)]).why
    )


def test_a_quota_that_is_used_up_leaves_nothing_to_gain():
    knee = knee_of([predicted(8, 50), predicted(16, 100, quota_used={"requests": 0.98})])

    assert "More than 16 conversations in flight can gain nothing" in knee.why


def test_all_conversations_at_once_are_the_most_there_is():
    tried = [predicted(500, 50), predicted(1_000, 100, limiting={"nothing": 1.0})]

    knee = knee_of(tried)

    assert knee.why == (
        "With 1,000 in flight all conversations are played at once; no limit is reached."
    )


def test_one_setting_alone_is_not_said_to_be_better_than_others():
    assert knee_of([predicted(8, 100)]).why == (
        "It was the only setting tried; requests set the pace 90% of the time."
    )


@pytest.mark.parametrize("tried", [[predicted(8, 0)], [predicted(8, 0), predicted(16, 0)]])
def test_a_provider_that_refuses_everything_gets_a_verdict(tried: list[Predicted]):
    knee = knee_of(tried)

    assert knee.setting is None
    assert knee.why == "No setting gets through to the end: the key was refused."
