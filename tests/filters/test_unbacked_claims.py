"""Claims of deeds that no call has done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.unbacked_claims import UnbackedClaims
from simkit.traces.records import Message, Trajectory

Build = Callable[..., Any]
BOOKED = "Good news: I've booked your flight to Rome."


@pytest.fixture
def masked(a_trajectory: Callable[..., Trajectory]) -> Callable[..., list[int | None]]:
    def ask(*messages: Message) -> list[int | None]:
        return [found.turn for found in UnbackedClaims().check(a_trajectory(messages=messages))]

    return ask


@pytest.mark.parametrize(
    "claim",
    [
        BOOKED,
        "Your order has now been placed.",
        "No problem! I have successfully cancelled it.",
        "Your appointment is now scheduled for Monday.",
        "I just sent you the invoice.",
        "Your profile has been updated.",
        "The refund was successfully transferred.",
    ],
)
def test_a_claim_that_no_call_backs_is_masked(
    masked: Build, user: Build, says: Build, claim: str
) -> None:
    assert masked(user("Please do it."), says(claim)) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "I will book the flight once you confirm.",
        "Would you like me to say that I've booked it?",
        "I was unable to help: the flight has not been booked.",
        "If your order has been placed already, tell me its number.",
        'The template reads: "Your order has been placed."',
        "```\nprint('I have sent it')\n```",
        "I've updated the list of ideas and added two more.",
        "You have booked three flights before.",
        "The flight was booked in May.",
    ],
)
def test_plans_questions_denials_and_quotations_are_no_claims(
    masked: Build, user: Build, says: Build, text: str
) -> None:
    assert masked(user("Please do it."), says(text)) == []


def test_looking_up_is_not_doing(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    looked = calls("search_flights", a={"to": "Rome"})
    assert masked(user(), looked, result("a", '{"booking_class":"Y"}'), says(BOOKED)) == [3]


def test_a_call_that_did_it_backs_the_claim_later_too(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    done = (user(), calls("book_flight", a={}), result("a", "{}"), says(BOOKED))
    assert masked(*done, user("Really?"), says("Yes, I've booked it.")) == []
    assert masked(*done, user("And cancel the other."), says("I have cancelled it.")) == [5]


def test_a_call_that_failed_backs_nothing_and_its_repair_does(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, tool_error: Build
) -> None:
    failed = (user(), calls("book_flight", a={}), result("a", tool_error("timeout")))
    assert masked(*failed, says(BOOKED)) == [3]
    assert masked(*failed, calls("book_flight", b={}), result("b", "{}"), says(BOOKED)) == []
    assert masked(user(), calls("book_flight", a={}), result("a", "Error: full"), says(BOOKED))


def test_what_a_deed_entails_needs_no_call_of_its_own(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    mailed = says("It is done, and a confirmation has been sent to you.")
    assert masked(user(), calls("book_flight", a={}), result("a", "{}"), mailed) == []


def test_what_results_or_the_user_say_may_be_said_again(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    cancelled = says("I'm sorry to hear that your flight has been cancelled.")
    found = (user(), calls("get_flight", a={}), result("a", '{"status":"cancelled"}'))
    assert masked(*found, cancelled) == []
    assert masked(user("My flight was cancelled by the airline."), cancelled) == []
    assert masked(user("My flight is late."), cancelled) == [1]


@pytest.fixture
def with_tools(
    a_trajectory: Callable[..., Trajectory], a_scenario: Build, a_function: Build
) -> Callable[..., list[int | None]]:
    """The turns that are masked where a booking can be made, and its passengers updated."""
    names = ("reserve_seat", "update_booking_passengers", "update_booking_flights")
    scenario = a_scenario(0, *map(a_function, names))

    def ask(*messages: Message) -> list[int | None]:
        trajectory = a_trajectory(messages=messages, scenario=scenario)
        return [found.turn for found in UnbackedClaims().check(trajectory)]

    return ask


@pytest.mark.parametrize(
    "claim",
    [
        "I have also updated the passengers of the booking for you.",
        "The booking passengers have been updated, too.",
    ],
)
def test_what_a_function_on_offer_does_needs_its_call_whatever_else_was_done(
    with_tools: Build, user: Build, says: Build, calls: Build, result: Build, claim: str
) -> None:
    booked = (calls("reserve_seat", a={}), result("a", '{"id": "B1"}'))
    assert with_tools(user("Book it."), *booked, says(f"It is B1. {claim}")) == [3]
    updated = (calls("update_booking_passengers", b={}), result("b", '{"id": "B1"}'))
    assert with_tools(user("Book it."), *booked, *updated, says(claim)) == []


def test_a_like_deed_to_some_of_what_is_named_backs_the_claim(
    with_tools: Build, user: Build, says: Build, calls: Build, result: Build
) -> None:
    updated = (calls("update_booking_flights", a={}), result("a", '{"id": "B1"}'))
    claim = says("I have updated your booking: all passengers are on the new flights.")
    assert with_tools(user("Please."), *updated, claim) == []


def test_what_no_function_on_offer_does_may_be_entailed(
    with_tools: Build, user: Build, says: Build, calls: Build, result: Build
) -> None:
    booked = (calls("reserve_seat", a={}), result("a", '{"id": "B1"}'))
    claim = says("I have sent you a confirmation by mail.")
    assert with_tools(user("Book it."), *booked, claim) == []
    assert with_tools(user("Book it."), claim) == [1]
