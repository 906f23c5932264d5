"""What a probe says of itself."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.live import Probed
from simkit.tuning.probe.probe_text import Told, law_line, picture, probed_json, tables, verdict
from simkit.tuning.probe.probe_timeline import timeline_of
from simkit.tuning.probe.recommended import recommend
from simkit.tuning.terms import ProviderTerms
from tests.simkit.tuning.probe.probing import a_config, probed


@pytest.fixture(scope="module")
def result() -> Probed:
    return probed(ProviderTerms(requests_per_minute=300, hints="none"))[0]


@pytest.fixture
def told(result: Probed) -> Told:
    return Told(
        probed=result,
        recommended=recommend(a_config(), result),
        allowed=Allowed(tokens=2_000_000, unit="tokens"),
    )


def test_the_verdict_names_the_limit_and_what_was_spent(told: Told) -> None:
    said = verdict(told)
    assert f"{told.recommended.concurrency:,} conversations in flight" in said
    assert "requests a minute" in said
    assert f"{told.probed.spent:,.0f} tokens of 2,000,000 tokens" in said


def test_every_stage_and_every_limit_has_its_row(told: Told) -> None:
    file = StringIO()
    Console(file=file, width=200).print(tables(told))
    text = file.getvalue()
    assert "requests a minute" in text
    assert "at least" in text
    assert len([line for line in text.splitlines() if " calls/s" not in line]) >= len(
        told.probed.stages
    )


def test_the_json_is_strict_and_whole(told: Told) -> None:
    read = json.loads(json.dumps(probed_json(told), allow_nan=False))
    assert len(read["stages"]) == len(told.probed.stages)
    assert {limit["kind"] for limit in read["limits"]} >= {"requests", "tokens", "concurrency"}
    assert read["ended"]["ending"] == told.probed.stop.ending


def test_the_picture_marks_what_is_recommended_and_shows_the_whole_probe(told: Told) -> None:
    shown = picture(told)
    assert shown.knee == told.recommended.concurrency
    assert [point.concurrency for point in shown.points] == sorted(
        stage.concurrency for stage in told.probed.stages
    )
    assert shown.timeline is not None
    assert law_line(told) in shown.notes
    answered = sum(attempt.outcome == "answered" for attempt in told.probed.attempts)
    assert sum(shown.timeline.answered) == answered


def test_the_time_line_adds_up() -> None:
    def attempt(sent_at: float, ended_at: float) -> Attempt:
        return Attempt(
            sent_at=sent_at,
            ended_at=ended_at,
            role="user",
            number=1,
            in_flight=1,
            outcome="answered",
            input_tokens=10,
            output_tokens=2,
        )

    line = timeline_of(
        [attempt(10.0, 12.5), attempt(11.0, 12.0)], [(10.0, 2), (12.0, 4)], began=10.0, ended=14.0
    )
    assert line is not None
    assert line.step_seconds == 1
    assert line.calls_in_flight == pytest.approx((1, 2, 0.5, 0))
    assert line.conversations_in_flight == (2, 2, 4, 4)
    assert line.answered == (0, 0, 2, 0)
    assert line.input_tokens == (0, 0, 20, 0)
    assert timeline_of([], [], began=1.0, ended=1.0) is None
