"""Places that nobody filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.placeholders import Placeholders

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in Placeholders().check(a_trajectory(messages=messages))]


@pytest.mark.parametrize(
    "gap",
    [
        "Your flight leaves on [insert date].",
        "Dear [Your Name], it is done.",
        "Here is the code: [QR_CODE_IMAGE]",
        "Hello {{customer_name}}!",
        "The order {order_id} is on its way.",
        "Send <your_key> with it.",
        "TODO: add the price.",
        "Lorem ipsum dolor sit amet.",
    ],
)
def test_a_turn_with_a_gap_is_masked(masked: Build, user: Build, says: Build, gap: str) -> None:
    assert masked(user(), says(gap)) == [1]


@pytest.mark.parametrize(
    "sound",
    [
        "Open [the page](https://example.com/a) or [1].",
        "In code: `{name}` and `[YOUR_KEY]`.",
        "The path is /users/{user_id}, and \\frac{abc}{def} a fraction.",
        "Your TODO list has two items.",
    ],
)
def test_links_and_code_are_no_gaps(masked: Build, user: Build, says: Build, sound: str) -> None:
    assert masked(user(), says(sound)) == []


def test_a_gap_that_somebody_else_made_may_be_told(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    found = result("a", '{"image": "QR_CODE_IMAGE"}')
    assert masked(user(), calls(a={}), found, says("It is [QR_CODE_IMAGE].")) == []
    assert masked(user("What is {{name}}?"), says("A {{name}} is a variable.")) == []


def test_a_template_that_is_wanted_may_have_gaps(masked: Build, user: Build, says: Build) -> None:
    assert masked(user("Draft an invitation."), says("Dear [name], come at eight.")) == []
