"""Buckets and windows: what they permit over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.standin.meters import Bucket, Meter, Window

Build = Callable[[float], Meter]

BUILDS: list[Build] = [
    lambda per_minute: Bucket(per_minute, 0.0),
    lambda per_minute: Window(per_minute, 10.0, 0.0),
]


def one_if_there_is(meter: Meter, now: float) -> bool:
    if meter.seconds_until(1, now) > 0:
        return False
    meter.take(1, now)
    return True


@given(per_minute=st.floats(6, 6000), waits=st.lists(st.floats(0, 30), max_size=200))
@pytest.mark.parametrize("build", BUILDS)
def test_no_more_is_admitted_than_was_permitted(
    build: Build, per_minute: float, waits: list[float]
) -> None:
    meter, now, admitted = build(per_minute), 0.0, 0
    for wait in waits:
        now += wait
        admitted += one_if_there_is(meter, now)
        assert admitted <= meter.permitted(now) + 1e-6


@pytest.mark.parametrize("build", BUILDS)
def test_who_leaves_nothing_gets_all_that_was_permitted(build: Build) -> None:
    meter = build(600)
    admitted = sum(one_if_there_is(meter, step / 100) for step in range(6000))
    assert meter.permitted(59.99) - admitted < 1


def test_what_was_permitted_follows_each_change_of_the_limit() -> None:
    bucket = Bucket(60, 0.0)
    bucket.change(600, 10.0)
    assert bucket.permitted(20.0) == pytest.approx(1 + 10 + 100)
    window = Window(60, 10.0, 0.0)
    window.change(600, 15.0)
    assert window.permitted(25.0) == pytest.approx(10 + 10 + 100)


def test_a_window_admits_its_share_at_once_and_no_more_before_the_next() -> None:
    window = Window(600, 10.0, 0.0)
    admitted = Counter(
        int(step / 10) // 10 for step in range(350) if one_if_there_is(window, step / 10)
    )
    assert admitted == {0: 100, 1: 100, 2: 100, 3: 50}
    assert window.seconds_until(window.capacity, 34.0) == pytest.approx(6.0)


def test_a_window_permits_whole_requests_only() -> None:
    window = Window(100, 1.0, 0.0)
    assert window.capacity == 1
    assert [one_if_there_is(window, now) for now in (0.0, 0.5, 1.0, 1.9, 2.0)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_window_forgets_what_replies_cost_beyond_it() -> None:
    window = Window(600, 10.0, 0.0)
    window.take(5000, 1.0)
    assert window.level(9.0) == -4900
    assert window.level(10.0) == 100


def test_a_request_larger_than_a_window_is_admitted_when_it_begins() -> None:
    window = Window(600, 10.0, 0.0)
    assert window.seconds_until(500, 0.0) == 0
    window.take(1, 0.0)
    assert window.seconds_until(500, 4.0) == pytest.approx(6.0)


@given(level=st.floats(0, 100), to=st.floats(60, 60_000))
@pytest.mark.parametrize("build", BUILDS)
def test_a_change_of_the_limit_gives_nothing_away(build: Build, level: float, to: float) -> None:
    meter = build(6000)
    meter.take(meter.capacity - min(level, meter.capacity), 0.0)
    before = meter.level(0.0)
    meter.change(to, 0.0)
    assert meter.level(0.0) == pytest.approx(min(before, meter.capacity))
