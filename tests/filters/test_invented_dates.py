"""Dates that nobody can have known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simkit.filters.rules.argument_provenance import ArgumentProvenance
from simkit.filters.rules.invented_dates import InventedDates
from simkit.traces.records import Message, Trajectory

Faults = Callable[..., list[str]]


@pytest.fixture
def faults(
    a_trajectory: Callable[..., Trajectory], calls: Callable[..., Message]
) -> Callable[..., list[str]]:
    """What is held against a call with this date after these messages."""

    def ask(date: str, *before: Message) -> list[str]:
        trajectory = a_trajectory(messages=(*before, calls("book", z={"date": date})))
        found = list(InventedDates().check(trajectory))
        assert {(o.check, o.turn) for o in found} <= {("invented_dates", len(before))}
        assert list(ArgumentProvenance().check(trajectory)) == []  # one mistake, one name
        return [objection.message for objection in found]

    return ask


@pytest.mark.parametrize(
    "said", ["today", "tomorrow", "next month", "in 3 days", "next Friday", "two weeks from now"]
)
def test_absolute_dates_for_relative_ones_before_any_clock_are_flagged(
    faults: Faults, user: Callable[[str], Message], said: str
) -> None:
    """The first known defect of ToolMind's release."""
    (message,) = faults("2024-06-15", user(f"Book a table for {said}."))
    assert "2024-06-15" in message
    assert said in message


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("today", "2024-05-15"),
        ("tomorrow", "2024-05-16T09:00:00"),
        ("yesterday", "May 14, 2024"),
        ("in 10 days", "2024-05-25"),
        ("next Friday", "2024-05-17"),
        ("next Friday", "2024-05-24"),
        ("next month", "2024-06-30"),
        ("tomorrow for three nights", "2024-05-19"),
    ],
)
def test_with_a_clock_dates_that_agree_pass(
    faults: Faults, user: Callable[[str], Message], said: str, date: str
) -> None:
    system = Message(role="system", content="The current time is 2024-05-15 15:00:00 EST.")
    assert faults(date, system, user(f"Book a room, from {said}.")) == []


@pytest.mark.parametrize(
    ("said", "date"), [("tomorrow", "2024-05-18"), ("in 10 days", "2024-06-25")]
)
def test_with_a_clock_dates_that_do_not_agree_are_flagged(
    faults: Faults,
    user: Callable[[str], Message],
    calls: Callable[..., Message],
    result: Callable[..., Message],
    said: str,
    date: str,
) -> None:
    clock = (calls("get_now", a={}), result("a", '{"current_date":"2024-05-15"}'))
    (message,) = faults(date, user(f"Book it for {said}."), *clock)
    assert "2024-05-15" in message


def test_dates_that_were_said_pass(faults: Faults, user: Callable[[str], Message]) -> None:
    assert faults("2024-06-15", user("Tomorrow, that is June 15, 2024, please.")) == []
    assert faults("2024-06-15", user("Can you help me today? For June 15, 2024.")) == []


def test_the_year_of_a_date_must_come_from_somewhere(
    faults: Faults, user: Callable[[str], Message]
) -> None:
    assert faults("2024-06-15", user("For June 15, please."))
    assert not faults("2024-06-15", user("For June 15, please, as I said in 2024."))


def test_dates_in_the_assistants_text_count_beside_relative_ones(
    a_trajectory: Callable[..., Trajectory],
    user: Callable[[str], Message],
    says: Callable[[str], Message],
) -> None:
    def found(answer: str) -> int:
        messages = (user("What is on tomorrow?"), says(answer))
        return len(list(InventedDates().check(a_trajectory(messages=messages))))

    assert found("Tomorrow, May 6, 2024, there is a concert.") == 1
    assert found("The hall was opened on May 6, 1924.") == 0
