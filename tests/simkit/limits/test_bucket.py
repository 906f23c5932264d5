"""A bucket, on times that the tests make up."""

from __future__ import annotations

import pytest

from simkit.limits.bucket import Bucket


def test_what_it_holds_goes_when_all_of_it_is_there() -> None:
    bucket = Bucket(10, 0.0, burst_seconds=0.5)
    bucket.take(5, 0.0)
    assert bucket.ready_at(5) == pytest.approx(0.5)


def test_more_than_it_holds_waits_for_a_full_one_and_leaves_a_debt() -> None:
    bucket = Bucket(10, 0.0, burst_seconds=0.5)
    bucket.take(2, 0.0)
    assert not bucket.is_full(0.1)
    assert bucket.ready_at(25) == pytest.approx(0.2)
    assert bucket.is_full(0.25)
    bucket.take(25, 0.25)
    assert bucket.ready_at(1) == pytest.approx(0.25 + 2.1)
