"""The assistant agent: answers, asks, or calls functions."""

from __future__ import annotations

import re

from simkit.traces.calls import Completion
from simkit.traces.functions import LEGAL_NAME
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Message, Scenario, ToolCall
from simkit.traces.voice import ReplyRejected, Voice

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


class AssistantAgent:
    """The assistant of one conversation."""

    def __init__(self, voice: Voice, prompts: PromptSet, scenario: Scenario) -> None:
        self._voice = voice
        self._scenario = scenario
        self._system = Message(role="system", content=prompts.render("assistant"))

    async def answer(self, dialogue: list[Message]) -> Message:
        """The assistant's next message: text, calls, or both.

        Calls get ids that are unique in the conversation: some servers repeat theirs in
        every reply, or give none.

        Raises:
            ModelFailed: The model was silent or was cut off each time.
            ProviderError: The provider gave no reply.
        """
        completion = await self._voice.ask(
            self._scenario,
            (self._system, *dialogue),
            _finished,
            turn=len(dialogue),
            tools=self._scenario.tools,
        )
        calls_before = sum(len(message.tool_calls) for message in dialogue)
        return Message(
            role="assistant",
            content=completion.content.strip(),
            reasoning=(completion.reasoning or "").strip() or None,
            tool_calls=tuple(
                ToolCall(
                    id=f"call_{number}",
                    name=_legal(call.name),
                    arguments=call.arguments.strip() or "{}",
                )
                for number, call in enumerate(completion.tool_calls, start=calls_before + 1)
            ),
        )


def _finished(completion: Completion) -> Completion:
    if completion.finish_reason == "length":
        raise ReplyRejected("it was cut off at the output limit")
    if not completion.content.strip() and not completion.tool_calls:
        raise ReplyRejected("it has neither text nor a call")
    return completion


def _legal(name: str) -> str:
    """*name* as providers let it stand in a history.

    The call then fails as unknown, or reaches the function whose name in the catalog had
    to be made legal in the same way.
    """
    if LEGAL_NAME.fullmatch(name):
        return name
    return _ILLEGAL.sub("_", name)[:64] or "unnamed"
