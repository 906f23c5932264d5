"""A meter, on times that the tests make up."""

from __future__ import annotations

import pytest

from simkit.limits.meter import Meter


@pytest.mark.parametrize("look_every", [1e-5, 1e-3, 0.05])
def test_a_call_larger_than_a_burst_goes_although_the_learned_rate_grows(
    look_every: float,
) -> None:
    meter, now = Meter(None), 0.0
    for _ in range(10):
        now += 0.1
        meter.take(2_000, now)
    meter.cut(now, sent_at=now - 0.1)  # some 10,000 a second, so 1,000 at once
    cut_at = now
    while meter.ready_at(3_000) > now:
        now += look_every
        meter.grow(look_every, 1.0, now)
        assert now - cut_at < 0.2
    meter.take(3_000, now)
    assert meter.ready_at(1) > now + 0.1  # the debt is paid off before anybody else goes
