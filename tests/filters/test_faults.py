"""The one walk that three checks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simkit.filters.grounding.faults import faults_of
from simkit.filters.rules import ArgumentProvenance, InventedDates, PrematureCalls
from simkit.traces.records import Trajectory

Build = Callable[..., Any]


def test_one_walk_serves_three_checks_and_finds_the_same_again(
    a_trajectory: Callable[..., Trajectory], user: Build, says: Build, calls: Build
) -> None:
    trajectory = a_trajectory(messages=(user(), calls(a={"city": "<city>"}), says()))
    found = faults_of(trajectory)
    assert faults_of(trajectory) is found
    assert faults_of(replace(trajectory)) == found
    assert [turn for turn, _ in found.unfilled] == [1]
    for check in (PrematureCalls(), ArgumentProvenance(), InventedDates()):
        assert list(check.check(trajectory)) == list(check.check(replace(trajectory)))


def test_trajectories_that_differ_are_not_taken_for_one_another(
    a_trajectory: Callable[..., Trajectory], user: Build, calls: Build
) -> None:
    for number in range(40):
        city = "Oslo" if number % 2 else "<city>"
        trajectory = a_trajectory(messages=(user(), calls(a={"city": city})))
        assert bool(faults_of(trajectory).unfilled) is (city == "<city>")
        del trajectory
