"""A second model that answers each turn of the assistant again, with its reasoning.

ToolMind attaches the reasoning of a thinking model to the turns of conversations that another
model has played (arXiv 2511.15718, data set card); how it dealt with a thinking model that would
have acted otherwise is not published. Here that model answers while the conversation is played,
and its answer takes the place of the first one where both do the same: what follows then follows
from what it said.
"""

from __future__ import annotations

from collections import Counter

from simkit.agents.assistant import AssistantAgent
from simkit.traces.records import Message
from simkit.traces.voice import ModelFailed


class ReasonedAssistant:
    """An assistant whose answers a second one repeats with reasoning.

    Args:
        first: Decides what is done.
        second: The same assistant, played by the model that reasons.
    """

    def __init__(self, first: AssistantAgent, second: AssistantAgent) -> None:
        self._first = first
        self._second = second

    async def answer(self, dialogue: list[Message]) -> Message:
        """The second one's answer where it has reasoning and does the same, else the first one's.

        Raises:
            ModelFailed: The first one's model gave no usable reply.
            ProviderError: A provider gave no reply.
        """
        message = await self._first.answer(dialogue)
        try:
            again = await self._second.answer(dialogue)
        except ModelFailed:  # it only adds; the conversation goes on without it
            return message
        return again if again.reasoning and do_the_same(message, again) else message


def do_the_same(one: Message, other: Message) -> bool:
    """Whether two messages make the same calls, in any order; or none, and only speak."""
    return Counter(call.key for call in one.tool_calls) == Counter(
        call.key for call in other.tool_calls
    )
