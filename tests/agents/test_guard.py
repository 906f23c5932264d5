"""What the simulated user's model is not let say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simkit.agents.guard import UserGuard
from simkit.agents.limits import LimitReached, Limits
from simkit.traces.functions import Function
from simkit.traces.records import Fact, Goal, Intent, Scenario
from simkit.traces.voice import ReplyRejected

INTENT = Intent(
    role="a traveller",
    style="brief",
    goals=(
        Goal(text="learn the temperature", known=(Fact(name="city", value="Oslo"),)),
        Goal(
            text="change the date of the booking",
            known=(Fact(name="booking", value="AB-4711"), Fact(name="date", value="2024-05-01")),
        ),
        Goal(text="send a postcard home", known=(Fact(name="price", value="1250.5"),)),
    ),
)


@pytest.fixture
def guard(
    a_scenario: Callable[..., Scenario], a_function: Callable[..., Function]
) -> Callable[..., UserGuard]:
    def build(most: int = 8, **scenario: Any) -> UserGuard:
        functions = (a_function("get_temperature"), a_function("search"))
        return UserGuard(replace(a_scenario(0, *functions), **scenario), INTENT, most=most)

    return build


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Is there anything else I can help you with?", "role_drift"),
        ("I have booked it. How can I assist?", "role_drift"),
        ("Please run get_temperature for Oslo.", "function_name"),
        ("It is for Oslo, my booking is ZX-9988.", "invented_fact"),
        ("Write to me at me@example.org.", "invented_fact"),
        ("Oslo, on 2023-11-30, please.", "invented_fact"),
    ],
)
def test_a_slip_is_refused_and_counted_by_its_cause(
    guard: Callable[..., UserGuard], text: str, cause: str
) -> None:
    watching = guard()
    for _ in range(2):  # insisting does not help
        with pytest.raises(ReplyRejected):
            watching.check(text, stops=False)
    assert watching.reasked == {cause: 2}


@pytest.mark.parametrize(
    "text",
    [
        "How warm is it in Oslo? I hope you can help me.",
        "The booking is AB 4711, or ab4711 as it says here.",
        "On the 1st of May 2024, so 1/5/2024.",
        "I would pay 1,250.50 for it, at 10 or 22:30 if need be.",
        "Could you search for it? It is the one you called F-77-12.",
        "No idea, sorry. Two of us, in room 12.",
    ],
)
def test_what_the_person_knows_may_be_said_in_other_forms(
    guard: Callable[..., UserGuard], text: str
) -> None:
    watching = guard()
    watching.hear("It is F-77-12, leaving at 10:30.")
    watching.check(text, stops=False)
    assert not watching.reasked


def test_stopping_before_a_goal_came_up_is_refused_once_and_then_the_models_own_choice(
    guard: Callable[..., UserGuard],
) -> None:
    watching = guard()
    watching.heard_saying("How warm is Oslo? And please change the date of AB-4711.")
    with pytest.raises(ReplyRejected, match="send a postcard home"):
        watching.check("Bye. ###STOP###", stops=True)
    watching.check("Bye. ###STOP###", stops=True)
    assert watching.reasked == {"early_stop": 1}


def test_telling_everything_at_once_is_refused_save_where_that_is_the_plan(
    guard: Callable[..., UserGuard],
) -> None:
    everything = "Oslo's temperature; move AB-4711; and a postcard home for 1250.5."
    with pytest.raises(ReplyRejected, match="everything at once"):
        guard().check(everything, stops=False)
    guard(dialogue="single").check(everything, stops=False)


def test_a_person_does_not_say_the_very_same_twice(guard: Callable[..., UserGuard]) -> None:
    watching = guard()
    watching.heard_saying("How warm is it in Oslo today?")
    watching.heard_saying("Yes, please.")
    with pytest.raises(ReplyRejected, match="the very same"):
        watching.check("How warm is it in Oslo today?", stops=False)
    watching.check("Yes, please.", stops=False)


def test_refusals_are_limited(guard: Callable[..., UserGuard]) -> None:
    watching = guard(most=1)
    with pytest.raises(ReplyRejected):
        watching.check("How can I help you?", stops=False)
    with pytest.raises(LimitReached, match="user_reask_limit"):
        watching.check("How can I help you?", stops=False)


async def test_a_refused_message_is_never_said_and_the_trajectory_counts_it(
    company: Callable[..., Any], a_scenario: Callable[..., Scenario]
) -> None:
    troupe = company(
        user=["How can I help you?", "How warm is Oslo?", "Thanks! ###STOP###"],
        assistant=["Mild."],
    )
    trajectory = await troupe.play(a_scenario())
    assert [m.content for m in trajectory.messages] == ["How warm is Oslo?", "Mild."]
    assert trajectory.reasked == {"role_drift": 1}
    cut_off = await company(Limits(max_user_reasks=1), user=["How can I help you?"] * 2).play(
        a_scenario()
    )
    assert (cut_off.ended, cut_off.cause) == ("limit", "user_reask_limit")


@pytest.mark.parametrize(
    ("token", "ended"),
    [("###TRANSFER###", "user_transferred"), ("###OUT-OF-SCOPE###", "user_out_of_scope")],
)
async def test_the_user_may_leave_in_other_ways_than_content(
    company: Callable[..., Any], a_scenario: Callable[..., Scenario], token: str, ended: str
) -> None:
    troupe = company(user=["How warm is Oslo?", f"I see. {token}"], assistant=["Ask my colleague."])
    trajectory = await troupe.play(a_scenario())
    assert trajectory.ended == ended
    assert len(trajectory.messages) == 2
    early = await company(user=[token, "How warm is Oslo?", token], assistant=["Mild."]).play(
        a_scenario()
    )
    assert early.ended == ended  # not in the first message
