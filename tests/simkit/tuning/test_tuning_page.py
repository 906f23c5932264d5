"""The page of a tuning: whole in itself, safe whatever names are in it, drawn by a browser."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from simkit.tuning.page import PageError, picture_page, write_page
from simkit.tuning.picture import Picture, Point
from simkit.tuning.rehearsed import Timeline
from tests.simkit.page_tags import Tags

pytest.importorskip("plotly", reason="needs plotly, of simkit[plots]")

HOSTILE = (
    "</script><script>document.title='pwned'</script><!-- <b>bold</b> "
    '<a href="https://evil.example/">x</a><img src=x onerror=alert(1)> \x00 {{ 7 * 7 }} %{x}'
)


def a_picture(hostile: str = "") -> Picture:
    shares = {f"requests{hostile}": 0.75, "provider latency": 0.25}
    return Picture(
        title=f"weather{hostile}",
        facts=[("requests a minute", f"600{hostile}")],
        points=[
            Point(
                concurrency=concurrency,
                calls_per_second=rate,
                mean_latency_seconds=1.0,
                p95_latency_seconds=2.0,
                limiting=shares,
                label=f"{concurrency}{hostile}",
            )
            for concurrency, rate in ((4, 5.0), (8, 9.0), (16, 10.0))
        ],
        knee=8,
        fitted=[(4, 5.0), (8, 8.0), (16, 10.0)],
        timeline=Timeline(
            step_seconds=60.0,
            calls_in_flight=(4.0, 8.0, 8.0),
            conversations_in_flight=(8.0, 8.0, 8.0),
            answered=(100, 200, 200),
            refused=(0, 9, 0),
            failed=(0, 0, 0),
            input_tokens=(1000, 2000, 2000),
            output_tokens=(100, 200, 200),
            limiting=(shares, shares, shares),
        ),
        timeline_of=f"8 conversations in flight{hostile}",
        notes=[f"A small trace.{hostile}"],
        columns=["concurrency", f"model{hostile}"],
        rows=[["4", f"small{hostile}"]],
    )


def test_the_page_holds_three_scripts_and_points_nowhere() -> None:
    page = picture_page(a_picture(HOSTILE)).decode()
    tags = Tags()
    tags.feed(page)
    data, _, program = tags.scripts
    assert tags.addresses == []
    assert "default-src 'none'" in page
    assert not {"<", ">", "&", "\x00"}.intersection(data)
    assert "pwned" not in program
    assert orjson.loads(data)["knee"] == 8


def test_figures_that_are_no_numbers_leave_gaps() -> None:
    point = replace(a_picture().points[0], mean_latency_seconds=math.nan, calls_per_second=math.inf)
    tags = Tags()
    tags.feed(picture_page(replace(a_picture(), points=[point])).decode())
    curve = orjson.loads(tags.scripts[0])["curve"]
    assert curve["mean"] == [None]
    assert curve["rate"] == [None]


def test_the_same_picture_gives_the_same_page() -> None:
    assert picture_page(a_picture()) == picture_page(a_picture())


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "tune.html").mkdir()
    with pytest.raises(PageError, match=r"cannot be written to .*tune\.html"):
        write_page(a_picture(), tmp_path / "tune.html")


@pytest.fixture(scope="module")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("needs a Chromium to open the page in")
    return found


def opened(browser: str, picture: Picture, folder: Path) -> str:
    """The page's elements as a browser leaves them; it had nothing to complain about.

    What leaves the page, or tries to, breaks its policy, which a browser complains about.
    """
    page = folder / "tune.html"
    write_page(picture, page)
    done = subprocess.run(
        [
            *(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000"),
            *("--enable-logging=stderr", "--window-size=1200,800", page.as_uri()),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert [line for line in done.stderr.decode().splitlines() if "CONSOLE" in line] == []
    # What precedes the body's scripts, as those hold the words that are looked for.
    return done.stdout.decode().partition('<script id="data"')[0]


def test_a_browser_draws_all_three_charts_and_marks_the_knee(browser: str, tmp_path: Path) -> None:
    page = opened(browser, a_picture(), tmp_path)
    assert page.count('class="plot-container') == 3
    assert ">knee: 8</text>" in page
    assert len(re.findall(r'class="trace scatter', page)) == 4 + 7
    for unit in ("calls/s", "latency, s", "share of the time", "tokens/s"):
        assert f">{unit}</text>" in page
    assert ">time since the start, minutes</text>" in page


def test_hostile_names_stay_text_in_a_browser(browser: str, tmp_path: Path) -> None:
    page = opened(browser, a_picture(HOSTILE), tmp_path)
    assert "<title>pwned</title>" not in page
    assert "<img" not in page
    assert "evil.example" in page
    assert re.search(r"<a[ >]", page) is None
    assert re.search(r"<b>|font-weight: ?bold", page.partition("<body>")[2]) is None


def test_a_browser_draws_a_single_point_without_a_time_line(browser: str, tmp_path: Path) -> None:
    one = replace(a_picture(), points=a_picture().points[1:2], fitted=(), timeline=None)
    page = opened(browser, one, tmp_path)
    assert page.count('class="plot-container') == 2
    assert ">knee: 8</text>" in page


def test_a_browser_draws_a_time_line_alone(browser: str, tmp_path: Path) -> None:
    page = opened(browser, replace(a_picture(), points=[], fitted=(), knee=None), tmp_path)
    assert page.count('class="plot-container') == 1
    assert "knee" not in page.partition("<body>")[2]
