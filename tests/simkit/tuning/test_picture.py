"""What pictures are made of: points in order, a time line in as many steps as fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from simkit.tuning.course import course_of, time_unit
from simkit.tuning.picture import best_of_each, causes_of, picture_of
from simkit.tuning.rehearsed import Rehearsed, Setting, Timeline


def a_timeline(steps: int, **more: object) -> Timeline:
    values: dict[str, object] = {
        "step_seconds": 0.5,
        "calls_in_flight": tuple(float(step) for step in range(steps)),
        "conversations_in_flight": (2.0,) * steps,
        "answered": (3,) * steps,
        "refused": (1,) * steps,
        "failed": (0,) * steps,
        "input_tokens": (100,) * steps,
        "output_tokens": (10,) * steps,
        "limiting": ({"requests": 0.5},) * steps,
    }
    return Timeline(**{**values, **more})  # type: ignore[arg-type]


def rehearsed(
    concurrency: int,
    rate: float = 5.0,
    *,
    filter_workers: int = 2,
    calls: int = 100,
    limiting: Mapping[str, float] | None = None,
) -> Rehearsed:
    return Rehearsed(
        setting=Setting(concurrency=concurrency, filter_workers=filter_workers),
        conversations=10,
        finished=10,
        stopped_by=None,
        seconds=20.0,
        calls=calls,
        refused=0,
        failed=0,
        input_tokens=1000,
        output_tokens=100,
        steady_calls_per_second=rate,
        quota_used={},
        limiting=limiting or {"requests": 1.0},
        waited_seconds={},
        mean_wait_seconds=0.0,
        p95_wait_seconds=0.0,
        mean_latency_seconds=1.0,
        p95_latency_seconds=2.0,
        mean_calls_in_flight=1.0,
        peak_calls_in_flight=2,
        memory_bytes=1,
        money=None,
        timeline=a_timeline(concurrency),
    )


def test_points_come_by_rising_concurrency_and_the_time_line_is_the_recommended_ones() -> None:
    results = [rehearsed(8), rehearsed(2), rehearsed(4)]
    picture = picture_of(results, results[2].setting, "run")
    assert [point.name for point in picture.points] == ["2", "4", "8"]
    assert picture.knee == 4
    assert picture.timeline == results[2].timeline
    assert picture.timeline_of == "4 conversations in flight, 2 filter workers"


def test_settings_of_one_concurrency_are_named_by_what_else_differs() -> None:
    results = [rehearsed(4, filter_workers=8), rehearsed(4, filter_workers=2)]
    rates = {results[0].setting: 9.0, results[1].setting: 5.0}
    picture = picture_of(results, None, "run", rates=rates)
    assert [point.name for point in picture.points] == [
        "4, 2 filter workers",
        "4, 8 filter workers",
    ]
    assert [point.calls_per_second for point in best_of_each(picture.points)] == [9.0]
    assert picture.knee is None
    assert picture.timeline is None


def test_a_setting_without_an_answer_has_no_latency() -> None:
    (point,) = picture_of([rehearsed(4, 0.0, calls=0)], None, "run").points
    assert math.isnan(point.mean_latency_seconds)
    assert math.isnan(point.p95_latency_seconds)


def test_a_point_without_concurrency_has_no_place() -> None:
    with pytest.raises(ValueError, match="above 0; it is 0"):
        replace(picture_of([rehearsed(4)], None, "run").points[0], concurrency=0)


def test_causes_come_by_their_sum_and_those_that_never_limited_are_left_out() -> None:
    shares = [{"tokens": 0.2, "requests": 0.5}, {"tokens": 0.6, "CPU": 0.0, "disk": math.nan}]
    assert causes_of(shares, 5) == ["tokens", "requests"]
    assert causes_of(shares, 1) == ["tokens"]


def test_joined_steps_keep_means_and_rates_although_the_last_is_shorter() -> None:
    course = course_of(a_timeline(7), 3)
    assert course is not None
    assert course.ends == (1.5, 3.0, 3.5)
    assert course.calls_in_flight == (1.0, 4.0, 6.0)
    assert course.answered == (6.0, 6.0, 6.0)
    assert course.input_tokens == (200.0, 200.0, 200.0)
    assert course.limiting == ({"requests": 0.5},) * 3


def test_a_time_line_with_room_for_all_its_steps_keeps_them() -> None:
    course = course_of(a_timeline(7), 100)
    assert course is not None
    assert len(course.ends) == 7


@pytest.mark.parametrize("timeline", [a_timeline(0), a_timeline(3, step_seconds=0.0)])
def test_a_time_line_without_steps_or_length_is_not_drawn(timeline: Timeline) -> None:
    assert course_of(timeline, 10) is None


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [(0, "seconds"), (119, "seconds"), (120, "minutes"), (7200, "hours"), (200_000, "days")],
)
def test_the_unit_of_time_suits_its_length(seconds: float, unit: str) -> None:
    assert time_unit(seconds)[1] == unit
