"""Which intents are played, and what is said about the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simkit.agents.intent_check import IntentCheck
from simkit.agents.known_values import value_problem
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import ChangeOfMind, Fact, Goal, Intent, Scenario
from simkit.traces.voice import ReplyRejected


def schema(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


TEXT = {"type": "string"}


@pytest.fixture
def booking(a_function: Callable[..., Function]) -> Scenario:
    """Find a hotel in a city, book a room there, and send the bill."""
    find = a_function(
        "find_hotels",
        parameters=schema("city", city=TEXT, max_price={"type": "number"}),
        outputs=schema(hotels={"type": "array", "items": schema(hotel_id=TEXT, price=TEXT)}),
    )
    book = a_function(
        "bookRoom",
        parameters=schema(
            "hotel_id nights guest_name",
            hotel_id=TEXT,
            nights={"type": "integer"},
            guest_name=TEXT,
            board={"type": "string", "enum": ["half_board", "full_board", "none"]},
        ),
        outputs=schema(booking_id=TEXT),
    )
    send = a_function(
        "send_bill",
        parameters=schema(
            "booking_id email", booking_id=TEXT, email={"type": "string", "format": "email"}
        ),
        outputs=schema(sent={"type": "boolean"}),
    )
    functions = (find, book, send)
    return Scenario(
        number=0,
        seed=7,
        chain=tuple(one.name for one in functions),
        tools=functions,
        plan=(
            Step(functions=("find_hotels",)),
            Step(functions=("bookRoom",), needs=(0,), when_asked=("guest_name",)),
            Step(functions=("send_bill",), needs=(1,)),
        ),
    )


def facts(**values: str) -> tuple[Fact, ...]:
    return tuple(
        Fact(name=name.replace("_", " "), value=value, when_asked=name == "guest_name")
        for name, value in values.items()
    )


GOALS = (
    Goal(text="I want a hotel that is not dear", known=facts(city="Oslo", max_price="90 euros")),
    Goal(text="I want a room there", known=facts(nights="three", guest_name="Ada Berg")),
    Goal(text="I want the bill by mail", known=facts(email="ada@example.com")),
)
GOOD = Intent(role="a nurse", style="brief", goals=GOALS, unknown=("which hotel",))


def with_goal(number: int, text: str | None = None, **known: str) -> Intent:
    """The good intent with another goal; what is known is added to it, or replaced."""
    goal = GOALS[number - 1]
    new = {fact.name.replace(" ", "_"): fact.value for fact in goal.known} | known
    goals = list(GOALS)
    goals[number - 1] = Goal(text=text or goal.text, known=facts(**new))
    return replace(GOOD, goals=tuple(goals))


def without(number: int, name: str) -> Intent:
    goals = list(GOALS)
    goal = goals[number - 1]
    goals[number - 1] = replace(goal, known=tuple(f for f in goal.known if f.name != name))
    return replace(GOOD, goals=tuple(goals))


def complaint(intent: Intent, scenario: Scenario) -> str:
    with pytest.raises(ReplyRejected) as rejected:
        IntentCheck(scenario).check(intent)
    return str(rejected.value)


def test_a_good_intent_passes_at_first(booking: Scenario) -> None:
    IntentCheck(booking).check(GOOD)


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (replace(GOOD, goals=GOALS[:2]), "it has 2 goals for 3 steps"),
        (replace(GOOD, goals=()), "it needs at least one goal"),
        (replace(GOOD, role=" "), '"role" must not be empty'),
        (replace(GOOD, constraints=("I will not",) * 4), "it has 4 constraints; at most 3"),
        (with_goal(1, "I want " + "so much " * 500), "this is too long"),
        (with_goal(1, city=" "), "a known value needs a name and a value"),
        (without(2, "guest name"), "goal 2 needs a known value with when_asked true"),
        (with_goal(2, "I want to bookRoom there"), "goal 2 names 'bookRoom'"),
        (with_goal(3, "I want the booking_id"), "goal 3 names 'booking_id'"),
        (with_goal(2, "I, Ada Berg, want a room"), "the text of goal 2 gives away 'Ada Berg'"),
        (with_goal(2, nights="some"), "goal 2: nights 'some' is no number"),
        (with_goal(2, board="breakfast"), "is none of half_board, full_board, none"),
        (with_goal(3, email="my usual one"), "is not an e-mail address"),
        (with_goal(2, hotel_id="H-1"), "only from the result of find_hotels"),
        (with_goal(3, booking_id="B-1"), "only from the result of bookRoom"),
        (without(3, "email"), "goal 3 needs a known value for email of send_bill"),
    ],
)
def test_what_is_wrong_is_said(booking: Scenario, intent: Intent, said: str) -> None:
    assert said in complaint(intent, booking)


@pytest.mark.parametrize(
    "intent",
    [
        with_goal(1, "I want to find hotels in a city"),  # the words of a name are everyday words
        with_goal(2, board="full board, please"),
        with_goal(1, max_price="1,250.50"),
        with_goal(3, e_mail_address="ada@example.com"),
        replace(GOOD, constraints=("I will not pay more than 90 euros",) * 3),
        replace(without(3, "email"), unknown=("the email of my office",)),
    ],
)
def test_what_people_may_well_say_passes(booking: Scenario, intent: Intent) -> None:
    IntentCheck(booking).check(intent)


def test_a_required_value_that_nobody_has_is_missed(booking: Scenario) -> None:
    """
    But not where another value is known that may be it, by a name of its own.
    """
    poor = replace(without(1, "max price"), goals=(replace(GOALS[0], known=()), *GOALS[1:]))
    assert "goal 1 needs a known value for city of find_hotels" in complaint(poor, booking)
    named = with_goal(1, "I want a hotel", city="x")
    elsewhere = replace(GOALS[0], known=facts(where_to="Oslo"))
    IntentCheck(booking).check(replace(named, goals=(elsewhere, *GOALS[1:])))


def test_all_is_said_at_once_and_rules_of_thumb_do_not_insist(booking: Scenario) -> None:
    poor = with_goal(2, "I want to bookRoom", nights="some")
    check = IntentCheck(booking)
    with pytest.raises(ReplyRejected, match=r"'bookRoom'.*is no number"):
        check.check(poor)
    check.check(poor)  # the model knows better
    with pytest.raises(ReplyRejected, match="2 goals for 3 steps"):
        check.check(replace(GOOD, goals=GOALS[:2]))  # but here there is no doubt


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, 'it needs a "change"'),
        (ChangeOfMind(goal=4, name="city", first="Rome"), "there are goals 1 to 3"),
        (ChangeOfMind(goal=1, name="town", first="Rome"), "there is city, max price"),
        (ChangeOfMind(goal=1, name="city", first="oslo"), "must be another value"),
        (ChangeOfMind(goal=2, name="guest name", first="Kim"), "keeps until asked"),
        (ChangeOfMind(goal=2, name="nights", first="many"), "goal 2: nights 'many' is no number"),
    ],
)
def test_a_change_of_mind_is_about_another_value_of_something_known(
    booking: Scenario, change: ChangeOfMind | None, said: str
) -> None:
    fickle = replace(booking, dialogue="change_of_mind")
    assert said in complaint(replace(GOOD, change=change), fickle)


def test_a_sound_change_of_mind_passes(booking: Scenario) -> None:
    change = ChangeOfMind(goal=2, name="nights", first="two")
    IntentCheck(replace(booking, dialogue="change_of_mind")).check(replace(GOOD, change=change))


def test_an_id_that_the_user_gave_before_is_theirs_though_a_result_repeats_it(
    a_function: Callable[..., Function],
) -> None:
    order = schema("order_id", order_id=TEXT)
    functions = tuple(a_function(n, parameters=order, outputs=order) for n in ("get_it", "end_it"))
    scenario = Scenario(
        number=0,
        seed=7,
        chain=("get_it", "end_it"),
        tools=functions,
        plan=(Step(functions=("get_it",)), Step(functions=("end_it",))),
    )
    goal = Goal(text="I want to see to my order", known=facts(order_id="O-17"))
    IntentCheck(scenario).check(replace(GOOD, goals=(goal, goal)))


@pytest.mark.parametrize(
    ("text", "of", "problem"),
    [
        ("Oslo", {"type": "integer"}, "is no number"),
        ("2 people", {"type": "integer"}, None),
        ("Oslo", {"type": ["integer", "string"]}, None),
        ("maybe", {"type": "boolean"}, "is neither yes nor no"),
        ("yes, please", {"type": "boolean"}, None),
        ("the 3rd of May 2026", {"type": "string", "format": "date"}, None),
        ("next Friday", {"type": "string", "format": "date"}, "is not a date"),
        ('["a", "b"]', {"type": "array", "items": {"type": "string"}}, None),
        ("[1, 2]", {"type": "array", "items": {"type": "string"}}, "breaks the schema"),
        ("[1, 2", {"type": "array"}, "is not valid JSON"),
        ("milk and eggs", {"type": "array"}, None),
        ("Economy class", {"enum": ["economy", "business"]}, None),
        ("sleeper", {"enum": ["economy", "business"]}, "is none of economy, business"),
        ("anything", {}, None),
    ],
)
def test_a_value_fits_if_an_assistant_could_make_it_fit(
    text: str, of: dict[str, Any], problem: str | None
) -> None:
    found = value_problem(text, of)
    assert found is None if problem is None else problem in (found or "")
