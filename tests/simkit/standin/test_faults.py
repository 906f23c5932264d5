"""Faults and latency: chance that timing cannot change."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from typing import Any

import pytest

from simkit.standin.faults import FaultMix
from simkit.standin.latency import draw_latency, slowed
from simkit.standin.recently_used import RecentlyUsed
from simkit.standin.settings import StandinError, StandinSettings


def bodies(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(count)]


def attempts_until_answered(mix: FaultMix, body: bytes) -> list[str]:
    kinds = []
    while (kind := mix.next_attempt(body)[0]) is not None:
        kinds.append(kind)
    return kinds


def test_a_body_meets_the_same_faults_in_any_order_of_arrival() -> None:
    settings = StandinSettings(seed=3, faults=0.5)
    forward, backward = FaultMix(settings), FaultMix(settings)
    seen = {body: attempts_until_answered(forward, body) for body in bodies(200)}
    again = {body: attempts_until_answered(backward, body) for body in reversed(bodies(200))}
    assert seen == again
    assert max(map(len, seen.values())) > 2


def test_a_body_that_was_answered_is_answered_again() -> None:
    mix = FaultMix(StandinSettings(faults=0.5))
    for body in bodies(100):
        attempts_until_answered(mix, body)
        assert mix.next_attempt(body)[0] is None


def test_the_share_of_faults_is_as_asked_and_every_kind_comes_up() -> None:
    mix = FaultMix(StandinSettings(faults=0.2))
    kinds = Counter(mix.next_attempt(body)[0] for body in bodies(4000))
    assert 3100 < kinds[None] < 3300
    assert len(kinds) == 1 + 7
    assert "hang" not in kinds


def test_hangs_come_up_only_when_asked_for() -> None:
    mix = FaultMix(StandinSettings(faults=1, hangs=True))
    assert "hang" in {mix.next_attempt(body)[0] for body in bodies(100)}


def test_the_share_of_hangs_is_as_asked_whatever_the_faults() -> None:
    for faults in (0.0, 0.3):
        settings = StandinSettings(faults=faults, hang_share=0.2)
        kinds = Counter(FaultMix(settings).next_attempt(body)[0] for body in bodies(4000))
        assert 720 < kinds["hang"] < 880
        assert kinds[None] == pytest.approx(3200 * (1 - faults), rel=0.05)


def test_a_body_that_hung_is_answered_at_last_and_the_same_way_everywhere() -> None:
    settings = StandinSettings(seed=2, hang_share=0.5)
    mix, other = FaultMix(settings), FaultMix(settings)
    seen = {body: attempts_until_answered(mix, body) for body in bodies(200)}
    again = {body: attempts_until_answered(other, body) for body in reversed(bodies(200))}
    assert seen == again
    assert max(map(len, seen.values())) > 1


def test_load_lengthens_latency_in_proportion() -> None:
    assert slowed(2.0, 300, None) == 2.0
    assert slowed(2.0, 0, 100) == 2.0
    assert slowed(2.0, 100, 100) == 4.0
    assert slowed(2.0, 300, 100) == 8.0


def test_latency_has_the_asked_median_and_grows_with_the_reply() -> None:
    draw = random.Random(0)
    short = [draw_latency(2.0, 0, draw) for _ in range(2000)]
    assert statistics.median(short) == pytest.approx(2.0, rel=0.05)
    assert draw_latency(2.0, 500, random.Random(1)) == pytest.approx(
        1.5 * draw_latency(2.0, 0, random.Random(1))
    )
    assert draw_latency(0.0, 100, draw) == 0


def test_only_the_entries_used_last_are_remembered() -> None:
    memory: RecentlyUsed[int] = RecentlyUsed(2)
    memory.put(b"a", 1)
    memory.put(b"b", 2)
    memory.get(b"a")
    memory.put(b"c", 3)
    assert [memory.get(key) for key in (b"a", b"b", b"c")] == [1, None, 3]
    assert len(memory) == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "", "::"])
def test_only_loopback_addresses_are_served(host: str) -> None:
    with pytest.raises(StandinError, match="loopback"):
        StandinSettings(host=host)


@pytest.mark.parametrize(
    "wrong",
    [
        {"faults": 1.5},
        {"hang_share": -0.1},
        {"rpm": 0},
        {"otpm": float("inf")},
        {"concurrency": -1},
        {"slowdown_at": 0},
        {"window_seconds": float("nan")},
        {"rpm": 59, "window_seconds": 1},
        {"hints": "some"},
        {"models": ()},
        {"port": 70000},
    ],
)
def test_a_setting_out_of_range_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(StandinError, match=next(iter(wrong))):
        StandinSettings(**wrong)
