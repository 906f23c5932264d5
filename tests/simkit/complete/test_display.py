"""What a person sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from simkit.complete.display import facts
from simkit.complete.tally import Tally
from simkit.tally import Pause
from simkit.traces.calls import Usage


def shown(tally: Tally, **changes: Any) -> str:
    fields: dict[str, Any] = {"lines_left": None, "calls": 0, "limiting": "nothing", "now": 10.0}
    return " | ".join(facts(tally, **(fields | changes)))


@pytest.fixture
def tally() -> Tally:
    """20 answers in 10 seconds, and 10 more requests taken up."""
    tally = Tally(started_at=0.0, taken_up=10, failed=2, retries=1)
    for answer in range(20):
        tally.count_answer(Usage(input_tokens=100, output_tokens=7), now=(answer + 1) / 2)
    return tally


def test_it_says_how_far_and_how_fast(tally: Tally) -> None:
    assert shown(tally, calls=8) == (
        "20 answered, 2 failed | 8 calls in flight | 2.0 answers/s | 2,000 tokens in, 140 out | "
        "1 retries | no limit reached | 0:00:10 elapsed"
    )


def test_it_says_what_limits_it_and_what_was_there_before(tally: Tally) -> None:
    tally.answered_before = 1_000

    assert " | limited by tokens | " in shown(tally, limiting="tokens")
    assert " | 1,000 before | " in shown(tally)


def test_the_time_left_counts_lines_that_are_read_and_lines_that_are_not(tally: Tally) -> None:
    assert shown(tally, lines_left=50.0).endswith(" | about 0:00:30 left")


def test_a_long_rest_of_an_account_is_told_with_its_reason(tally: Tally) -> None:
    tally.paused["m at http://h/v1"] = Pause(until=3610.0, reason="daily quota used up")

    assert " | paused for 1:00:00: m at http://h/v1 (daily quota used up)" in shown(tally)
    assert "paused" not in shown(tally, now=3611.0)
