"""The intent writer: a function chain becomes one person's private intent.

The paper's step from chain to intent (arXiv 2511.15718, appendix prompts), with what the
user knows and does not know kept as lists, so that both can be checked.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from simkit.traces.calls import Completion, ReplySchema
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Intent, Message, Scenario
from simkit.traces.voice import ReplyRejected, Voice, complete_text


def _strict_object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}


def _schema(**of_facts: Any) -> ReplySchema:
    fact = _strict_object(name=_TEXT, value=_TEXT, **of_facts)
    goal = _strict_object(text=_TEXT, known={"type": "array", "items": fact})
    return ReplySchema(
        name="intent",
        schema=_strict_object(
            role=_TEXT,
            style=_TEXT,
            goals={"type": "array", "items": goal},
            unknown={"type": "array", "items": _TEXT},
        ),
    )


INTENT_SCHEMA = _schema()
_SCHEMA_WITH_HELD_BACK = _schema(when_asked={"type": "boolean"})

_intent_from_json = TypeAdapter(Intent).validate_json


class IntentWriter:
    """Writes the intent of a scenario."""

    def __init__(self, voice: Voice, prompts: PromptSet) -> None:
        self._voice = voice
        self._prompts = prompts
        self._system = Message(role="system", content=prompts.render("writer"))

    async def write(self, scenario: Scenario) -> Intent:
        """Write an intent that needs the scenario's chain.

        Raises:
            ModelFailed: No usable intent came back.
            ProviderError: The provider gave no reply.
        """
        by_name = {function.name: function for function in scenario.functions}
        chain = [definition(by_name[name]) for name in scenario.chain]
        steps = [_shown(step) for step in scenario.plan]
        task = self._prompts.render("writer_task", functions=chain, steps=steps)
        holds_back = any(step.when_asked for step in scenario.plan)
        return await self._voice.ask(
            scenario,
            (self._system, Message(role="user", content=task)),
            partial(_intent, plan=scenario.plan),
            turn=-1,
            reply_schema=_SCHEMA_WITH_HELD_BACK if holds_back else INTENT_SCHEMA,
            explain=True,
        )


def definition(function: Function) -> dict[str, Any]:
    """A function as the writer and the tool agent see it: with its outputs."""
    shown: dict[str, Any] = {
        "name": function.name,
        "description": function.description,
        "parameters": function.parameters,
    }
    if function.outputs is not None:
        shown["outputs"] = function.outputs
    return shown


def _shown(step: Step) -> dict[str, Any]:
    """A step as the writer sees it; what it does not have is left out."""
    shown: dict[str, Any] = {"asks_for": step.functions}
    if step.implicit:
        shown["never_asks_for"] = step.implicit
    if step.needs:
        shown["builds_on"] = [needed + 1 for needed in step.needs]
    if step.when_asked:
        shown["when_asked"] = step.when_asked
    return shown


def _intent(completion: Completion, plan: tuple[Step, ...]) -> Intent:
    text = complete_text(completion)
    try:
        intent = _intent_from_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        # A key that should not be there is part of the place, and may be a page long.
        place = ".".join(str(part) for part in first["loc"])[:100] or "the reply"
        raise ReplyRejected(f"{place}: {first['msg']}") from error
    if not intent.goals or not all(goal.text.strip() for goal in intent.goals):
        raise ReplyRejected("it needs at least one goal, and no goal may be empty")
    if plan:
        _check_planned(intent, plan)
    return intent


def _check_planned(intent: Intent, plan: tuple[Step, ...]) -> None:
    if len(intent.goals) != len(plan):
        raise ReplyRejected(
            f"it has {len(intent.goals)} goals for {len(plan)} steps; it needs one goal for each "
            "step, in the same order"
        )
    for number, (goal, step) in enumerate(zip(intent.goals, plan, strict=True), start=1):
        if step.when_asked and not any(fact.when_asked for fact in goal.known):
            raise ReplyRejected(
                f"goal {number} needs a known value with when_asked true: the one for "
                f"{', '.join(step.when_asked)}"
            )
