"""Charts in a terminal: true to the figures at any width, with any data, without colour."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from simkit.tuning.blocks import columns, stacked
from simkit.tuning.picture import Picture, Point
from simkit.tuning.rehearsed import Timeline
from simkit.tuning.terminal_charts import TerminalCharts

TIMELINE = Timeline(
    step_seconds=2.0,
    calls_in_flight=(0.0, 4.0, 8.0, 8.0),
    conversations_in_flight=(8.0, 8.0, 8.0, 8.0),
    answered=(0, 10, 20, 20),
    refused=(0, 0, 4, 0),
    failed=(0, 0, 0, 0),
    input_tokens=(0, 1000, 2000, 2000),
    output_tokens=(0, 100, 200, 200),
    limiting=({"requests": 1.0},) * 4,
)


def a_point(concurrency: float, rate: float, requests: float = 0.0) -> Point:
    return Point(
        concurrency=concurrency,
        calls_per_second=rate,
        mean_latency_seconds=1.0,
        p95_latency_seconds=2.0,
        limiting={"requests": requests, "provider latency": 1 - requests},
    )


PICTURE = Picture(
    title="run",
    points=[a_point(4, 5.0), a_point(8, 10.0, 0.25), a_point(16, 20.0, 0.75), a_point(32, 20.0, 1)],
    knee=16,
    timeline=TIMELINE,
    timeline_of="16 conversations in flight",
)


def drawn(picture: Picture, width: int = 100, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=width, legacy_windows=False).print(TerminalCharts(picture))
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_columns_are_as_high_as_their_values_and_what_is_not_zero_shows() -> None:
    assert columns([0, 8, 4, 0.001, math.nan], 2, 8.0) == [" █   ", " ██▁ "]


def test_stacked_cells_add_up_to_the_whole_however_shares_round() -> None:
    assert sum(stacked([1 / 3, 1 / 3, 1 / 3], 10)) == 10
    assert stacked([0.8, 0.8], 10) == [8, 2]


def test_the_knee_stands_below_its_column() -> None:
    lines = drawn(PICTURE)
    marks = [index for index, line in enumerate(lines) if "^ knee at 16" in line]
    assert len(marks) == 2
    labels, mark = lines[marks[0] - 1], lines[marks[0]]
    assert labels.index("16") == mark.index("^")
    assert lines[1][mark.index("^")] == "█"


def test_equal_steps_of_doubling_lie_equally_far_apart() -> None:
    lines = drawn(PICTURE)
    labels = next(line for line in lines if line.split() == ["4", "8", "16", "32"])
    places = [labels.index(name) for name in ("4", "8", "16", "32")]
    gaps = [right - left for left, right in pairwise(places)]
    assert max(gaps) - min(gaps) <= 1


def test_each_setting_says_in_words_what_set_its_pace() -> None:
    lines = drawn(PICTURE)
    row = next(line for line in lines if line.strip().startswith("knee 16"))
    assert row.endswith("requests 75%, provider latency 25%")
    assert (row.count("▓"), row.count("█")) == (24, 8)
    assert "▓ requests" in "".join(lines)


def test_the_time_line_tells_most_and_mean_of_each_series() -> None:
    lines = drawn(PICTURE)
    assert any("most 8.00, mean 5.00" in line for line in lines)
    assert any(re.search(r"answered/s .*most 10\.0, mean 6\.25", line) for line in lines)
    assert any(re.search(r"failed/s\s+none", line) for line in lines)
    assert lines[-1].split() == ["0", "8.00", "seconds"]


def test_the_fitted_curve_runs_between_the_columns() -> None:
    fitted = [(4 * 2 ** (step / 8), 5 * 2 ** (step / 8)) for step in range(17)]
    assert "·" in "".join(drawn(replace(PICTURE, fitted=fitted)))
    assert "·" not in "".join(drawn(PICTURE))


@pytest.mark.parametrize("width", [60, 79, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wordy = replace(PICTURE.points[0], label="4, 16 filter workers, calls learned")
    picture = replace(PICTURE, points=[wordy, *PICTURE.points[1:]])
    lines = drawn(picture, width)
    assert max(map(cell_len, lines)) <= width
    assert any("requests 75%" in line for line in lines)


@pytest.mark.parametrize("points", [1, 2])
def test_few_points_are_drawn(points: int) -> None:
    lines = drawn(replace(PICTURE, points=PICTURE.points[:points], knee=4), 60)
    assert sum("^ knee at 4" in line for line in lines) == 2


def test_a_provider_that_answered_nothing_is_drawn_without_nonsense() -> None:
    nothing = replace(
        a_point(4, 0.0), mean_latency_seconds=math.nan, p95_latency_seconds=math.nan, limiting={}
    )
    still = replace(
        TIMELINE, calls_in_flight=(0.0,) * 4, answered=(0,) * 4, refused=(0,) * 4,
        input_tokens=(0,) * 4, output_tokens=(0,) * 4,
    )  # fmt: skip
    text = "\n".join(drawn(replace(PICTURE, points=[nothing], knee=None, timeline=still)))
    assert "nan" not in text
    assert "knee" not in text
    assert text.count("none") == 6


def test_a_long_name_without_any_cause_is_drawn_in_the_narrowest_terminal() -> None:
    nothing = replace(a_point(4_096, 1.0), label="4,096, 1,024 filter workers", limiting={})
    lines = drawn(replace(PICTURE, points=[nothing], knee=None, timeline=None), 40)
    assert any("4,096, 1,024 filter work" in line for line in lines)


def test_no_points_and_no_time_line_draw_nothing() -> None:
    assert drawn(replace(PICTURE, points=[], knee=None, timeline=None)) == []


def test_a_terminal_of_plain_ascii_gets_ascii() -> None:
    lines = drawn(PICTURE, 80, "ascii")
    assert any("####" in line for line in lines)


def test_a_hostile_name_cannot_act_on_the_terminal() -> None:
    hostile = "\x1b[2J[red]tokens\nrun"
    picture = replace(PICTURE, points=[replace(a_point(4, 1.0), limiting={hostile: 1.0})])
    text = "\n".join(drawn(picture))
    assert "\x1b" not in text
    assert "[red]tokens" in text
