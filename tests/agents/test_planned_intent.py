"""What the writer is told of a plan, and which intents it may give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from simkit.traces.calls import ChatRequest
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import Scenario, Trajectory


def an_intent(*goals: dict[str, Any]) -> str:
    return orjson.dumps(
        {"role": "a traveller", "style": "brief", "goals": goals, "unknown": []}
    ).decode()


def a_goal(text: str, **facts: Any) -> dict[str, Any]:
    return {
        "text": text,
        "known": [
            {"name": name, "value": "Oslo", "when_asked": kept} for name, kept in facts.items()
        ],
    }


@pytest.fixture
def planned(
    a_scenario: Callable[..., Scenario], a_function: Callable[..., Function]
) -> Callable[..., Scenario]:
    """Two steps, of which the second cannot be served; parameters of the first are held back."""

    def build(*when_asked: str) -> Scenario:
        return replace(
            a_scenario(),
            kind="missing_function",
            chain=("get_temperature", "pay"),
            plan=(
                Step(functions=("get_temperature",), when_asked=when_asked),
                Step(functions=("pay",), needs=(0,)),
            ),
            withheld=(a_function("pay"),),
        )

    return build


@dataclass(frozen=True)
class Played:
    """A conversation, and what each role was asked on the way."""

    trajectory: Trajectory
    players: Mapping[str, Any]

    def request(self, role: str, index: int = 0) -> ChatRequest:
        request: ChatRequest = self.players[role].requests[index]
        return request

    def asked(self, role: str, index: int = 0) -> str:
        return "\n".join(message.content for message in self.request(role, index).messages)


async def play(company: Callable[..., Any], scenario: Scenario, *intents: str) -> Played:
    user = ["How warm is it?", "###STOP###", "###STOP###"]  # and insists on it
    troupe = company(writer=intents, user=user, assistant=["Where?"])
    return Played(await troupe.play(scenario), troupe.players)


async def test_the_writer_is_told_the_steps_and_the_assistant_is_not_offered_what_is_withheld(
    company: Callable[..., Any], planned: Callable[..., Scenario]
) -> None:
    played = await play(company, planned(), an_intent(a_goal("one", city=False), a_goal("two")))
    assert '[{"asks_for":["get_temperature"]},{"asks_for":["pay"],"builds_on":[1]}]' in (
        played.asked("writer")
    )
    assert '"name":"pay"' in played.asked("writer")
    (offered,) = played.request("assistant").tools
    assert offered.name == "get_temperature"
    assert "pay" not in played.asked("assistant")


async def test_an_intent_has_a_goal_for_each_step(
    company: Callable[..., Any], planned: Callable[..., Scenario]
) -> None:
    played = await play(
        company,
        planned(),
        an_intent(a_goal("all")),
        an_intent(a_goal("one", city=False), a_goal("two")),
    )
    assert played.trajectory.intent is not None
    assert [goal.text for goal in played.trajectory.intent.goals] == ["one", "two"]
    assert "it has 1 goals for 2 steps" in played.asked("writer", 1)


async def test_a_value_to_be_held_back_must_be_marked_and_the_user_is_told_so(
    company: Callable[..., Any], planned: Callable[..., Scenario]
) -> None:
    played = await play(
        company,
        planned("city"),
        an_intent(a_goal("one", city=False), a_goal("two")),
        an_intent(a_goal("one", city=True), a_goal("two", day=False)),
    )
    assert "goal 1 needs a known value with when_asked true: the one for city" in played.asked(
        "writer", 1
    )
    assert played.trajectory.intent is not None
    assert [fact.when_asked for goal in played.trajectory.intent.goals for fact in goal.known] == [
        True,
        False,
    ]
    assert '{"name":"city","value":"Oslo","when_asked":true}' in played.asked("user")
    assert '{"name":"day","value":"Oslo"}' in played.asked("user")


@pytest.mark.parametrize("held_back", [(), ("city",)])
async def test_the_reply_schema_speaks_of_when_asked_only_where_something_is_held_back(
    company: Callable[..., Any], planned: Callable[..., Scenario], held_back: tuple[str, ...]
) -> None:
    """
    Requests of scenarios without it are what they were, and so replay and resume.
    """
    played = await play(
        company, planned(*held_back), an_intent(a_goal("one", city=True), a_goal("two"))
    )
    schema = played.request("writer").reply_schema
    assert schema is not None
    assert (b"when_asked" in orjson.dumps(schema.schema)) == bool(held_back)


async def test_without_a_plan_the_writer_is_told_of_no_steps(
    company: Callable[..., Any], a_scenario: Callable[..., Scenario]
) -> None:
    played = await play(company, a_scenario(), an_intent(a_goal("all")))
    assert "<steps>" not in played.asked("writer")
