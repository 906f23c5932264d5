"""Counts by the second."""

from __future__ import annotations

from simkit.standin.timeline import Timeline


def test_each_second_has_its_own_counts_and_idle_ones_are_shown() -> None:
    timeline = Timeline(100.0)
    timeline.at(100.2).admit(7)
    timeline.at(100.9).refused += 1
    timeline.at(103.0).admit(5)
    shown = timeline.as_json(104.5)
    assert shown["elapsed_seconds"] == 4.5
    assert shown["second"] == [0, 1, 2, 3, 4]
    assert shown["admitted"] == [1, 0, 0, 1, 0]
    assert shown["refused"] == [1, 0, 0, 0, 0]
    assert shown["input_tokens"] == [7, 0, 0, 5, 0]


def test_only_the_last_seconds_are_kept() -> None:
    timeline = Timeline(0.0, kept=3)
    for moment in range(10):
        timeline.at(float(moment)).received += moment
    shown = timeline.as_json(9.0)
    assert (shown["second"], shown["received"]) == ([7, 8, 9], [7, 8, 9])
    shown = timeline.as_json(1e9)  # after a long rest
    assert shown["second"] == [10**9 - 2, 10**9 - 1, 10**9]
    assert shown["received"] == [0, 0, 0]
