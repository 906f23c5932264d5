"""Calls in words: blocks between tags, as models of the Hermes family know them."""

from __future__ import annotations

from collections.abc import Sequence

from simkit.clients.tool_mode_calls import Call, Said, call_json, read_call
from simkit.traces.prompts import quoted_json

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


class CallsInTags:
    """Text, then each call as ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``."""

    prompt = "calls_in_words"

    def write(self, text: str, calls: Sequence[Call]) -> str:
        blocks = [f"{_OPEN}\n{quoted_json(call_json(*call))}\n{_CLOSE}" for call in calls]
        return "\n".join([text, *blocks] if text else blocks)

    def read(self, content: str) -> Said:
        """What *content* says.

        A block ends at its closing tag, at the next block, or with the reply: models forget
        the tag. What follows a block and is none itself is left out, since a model that
        talks on after a call makes up its result.
        """
        text, opened, rest = content.partition(_OPEN)
        if not opened:
            return Said(content)
        blocks = [block.partition(_CLOSE)[0].strip() for block in rest.split(_OPEN)]
        return Said(text.rstrip(), tuple(read_call(block) for block in blocks if block))
