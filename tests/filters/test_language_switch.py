"""Answers in another language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.language_switch import LanguageSwitch

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [
        o.turn for o in LanguageSwitch().check(a_trajectory(messages=messages))
    ]


ENGLISH = "Hello, I would like to know how warm it is in Oslo, and if it will rain tomorrow."
GERMAN = "In Oslo ist es heute sehr warm, und morgen wird es wohl nicht regnen, aber es ist windig."
SPANISH = "En Oslo hace mucho calor y no va a llover, pero mañana es posible que haya más viento."
CHINESE = "奥斯陆今天的气温是二十一点五度，明天可能会下雨，请带好雨伞。"
RUSSIAN = "Сегодня в Осло двадцать один градус, а завтра ожидается дождь и ветер."


@pytest.mark.parametrize("answer", [GERMAN, SPANISH, CHINESE, RUSSIAN])
def test_an_answer_in_another_language_is_masked(
    masked: Build, user: Build, says: Build, answer: str
) -> None:
    assert masked(user(ENGLISH), says(answer)) == [1]


def test_the_users_own_language_is_right_whichever_it_is(
    masked: Build, user: Build, says: Build
) -> None:
    for language in (ENGLISH, GERMAN, SPANISH, CHINESE, RUSSIAN):
        assert masked(user(language), says(language)) == []


def test_the_latest_messages_count(masked: Build, user: Build, says: Build) -> None:
    assert masked(user(ENGLISH), says(ENGLISH), user(GERMAN), says(GERMAN)) == []
    assert masked(user(ENGLISH), says(ENGLISH), user(GERMAN), says(ENGLISH)) == [3]


def test_who_asks_for_a_translation_gets_any_language(
    masked: Build, user: Build, says: Build
) -> None:
    wish = user(f"{ENGLISH} Please translate it.")
    assert masked(wish, says(SPANISH), user("And?"), says(CHINESE)) == []


@pytest.mark.parametrize(
    ("hint", "answer"), [("In Spanish, please.", SPANISH), ("说中文吧。中文", CHINESE)]
)
def test_who_names_a_language_gets_that_one_and_no_other(
    masked: Build, user: Build, says: Build, hint: str, answer: str
) -> None:
    wish = user(f"{ENGLISH} {hint}")
    assert masked(wish, says(answer), user("And?"), says(RUSSIAN)) == [3]


@pytest.mark.parametrize("answer", [GERMAN, SPANISH, CHINESE, RUSSIAN])
def test_a_turn_that_goes_on_in_another_language_is_masked(
    masked: Build, user: Build, says: Build, answer: str
) -> None:
    assert masked(user(ENGLISH), says(f"{ENGLISH} {ENGLISH} {answer} {answer}")) == [1]


def test_where_the_user_says_too_little_the_turn_before_tells_the_language(
    masked: Build, user: Build, says: Build
) -> None:
    assert masked(user("Oslo, Friday"), says(ENGLISH), user("Bergen?"), says(GERMAN)) == [3]


def test_results_may_be_reported_as_they_are(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    found = result("a", f'{{"forecast": "{CHINESE}"}}')
    assert masked(user(ENGLISH), calls(a={}), found, says(f"Forecast: {CHINESE}")) == []


def test_names_and_short_texts_are_left_in_peace(masked: Build, user: Build, says: Build) -> None:
    assert masked(user(ENGLISH), says("Viel Glück!")) == []
    assert masked(user(ENGLISH), says(f"{ENGLISH} Try Καφενείο Το Παλιό (北京饭店).")) == []
    assert masked(user(CHINESE), says(f"{CHINESE} Hotel Grand Plaza, HAT001, Wi-Fi.")) == []


@pytest.mark.parametrize(
    "said",
    [
        "Start: 2026-08-26T14:00:00Z. I forgot: position number, candidate number.",
        "PO 4711, Na Li, ship to Gdynia today",
        "La Paz, El Alto, Los Angeles, San Jose",
        "Flights: El Paso, Las Vegas, Los Angeles, La Jolla; window seats preferred",
    ],
)
def test_names_and_single_letters_tell_no_language(
    said: str,
    masked: Callable[..., list[int | None]],
    user: Callable[..., Any],
    says: Callable[..., Any],
) -> None:
    answer = "I have found what you need, and it will be ready for you in the morning of that day."
    assert masked(user(said), says(answer)) == []
