"""The intent writer: a function chain becomes one person's private intent.

The paper's step from chain to intent (arXiv 2511.15718, appendix prompts), with what the
user knows and does not know kept as lists, so that both can be checked.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from simkit.agents.intent_check import IntentCheck
from simkit.traces.calls import Completion, ReplySchema
from simkit.traces.functions import Function
from simkit.traces.plans import DialogueKind, Step
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
_CHANGE = _strict_object(goal={"type": "integer"}, name=_TEXT, first=_TEXT)


def reply_schema(*, holds_back: bool = False, changes: bool = False) -> ReplySchema:
    """What the writer's model is to reply.

    Args:
        holds_back: Whether facts say if they are told only when asked for.
        changes: Whether the user changes their mind.
    """
    kept = {"when_asked": {"type": "boolean"}} if holds_back else {}
    fact = _strict_object(name=_TEXT, value=_TEXT, **kept)
    goal = _strict_object(text=_TEXT, known={"type": "array", "items": fact})
    return ReplySchema(
        name="intent",
        schema=_strict_object(
            role=_TEXT,
            style=_TEXT,
            goals={"type": "array", "items": goal},
            unknown={"type": "array", "items": _TEXT},
            constraints={"type": "array", "items": _TEXT},
            **({"change": _CHANGE} if changes else {}),
        ),
    )


_intent_from_json = TypeAdapter(Intent).validate_json


class IntentWriter:
    """Writes the intent of a scenario."""

    def __init__(self, voice: Voice, prompts: PromptSet) -> None:
        self._voice = voice
        self._prompts = prompts

    async def write(self, scenario: Scenario) -> Intent:
        """Write an intent that needs the scenario's chain.

        Raises:
            ModelFailed: No usable intent came back.
            ProviderError: The provider gave no reply.
        """
        by_name = {function.name: function for function in scenario.functions}
        persona = scenario.persona
        task = self._prompts.render(
            "writer_task",
            functions=[definition(by_name[name]) for name in scenario.chain],
            steps=[_shown(step) for step in scenario.plan],
            persona=None if persona is None else asdict(persona),
        )
        rules = self._prompts.render("writer", dialogue=scenario.dialogue)
        return await self._voice.ask(
            scenario,
            (Message(role="system", content=rules), Message(role="user", content=task)),
            partial(_intent, check=IntentCheck(scenario), dialogue=scenario.dialogue),
            turn=-1,
            reply_schema=reply_schema(
                holds_back=any(step.when_asked for step in scenario.plan),
                changes=scenario.dialogue == "change_of_mind",
            ),
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


def _intent(completion: Completion, check: IntentCheck, dialogue: DialogueKind) -> Intent:
    text = complete_text(completion)
    try:
        intent = _intent_from_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        # A key that should not be there is part of the place, and may be a page long.
        place = ".".join(str(part) for part in first["loc"])[:100] or "the reply"
        raise ReplyRejected(f"{place}: {first['msg']}") from error
    check.check(intent)
    if dialogue != "change_of_mind":  # the user would read of it, and is not to do it
        return replace(intent, change=None)
    return intent
