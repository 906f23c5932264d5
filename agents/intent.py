"""The intent writer: a function chain becomes one person's private intent.

The paper's step from chain to intent (arXiv 2511.15718, appendix prompts), with what the
user knows and does not know kept as lists, so that both can be checked.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from simkit.traces.calls import Completion, ReplySchema
from simkit.traces.functions import Function
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

INTENT_SCHEMA = ReplySchema(
    name="intent",
    schema=_strict_object(
        role=_TEXT,
        style=_TEXT,
        goals={
            "type": "array",
            "items": _strict_object(
                text=_TEXT,
                known={"type": "array", "items": _strict_object(name=_TEXT, value=_TEXT)},
            ),
        },
        unknown={"type": "array", "items": _TEXT},
    ),
)

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
        by_name = {tool.name: tool for tool in scenario.tools}
        chain = [definition(by_name[name]) for name in scenario.chain]
        task = self._prompts.render("writer_task", functions=chain)
        return await self._voice.ask(
            scenario,
            (self._system, Message(role="user", content=task)),
            _intent,
            turn=-1,
            reply_schema=INTENT_SCHEMA,
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


def _intent(completion: Completion) -> Intent:
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
    return intent
