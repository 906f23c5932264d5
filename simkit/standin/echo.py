"""A brain that costs next to nothing: for measuring clients."""

from __future__ import annotations

import random
from typing import Any

from simkit.standin.brain_contract import Reply

DEFAULT_TOKENS = 25
"""Length of a reply when the request sets none: some 20 words."""

_MOST_TOKENS = 100_000
_CHARACTERS_PER_TOKEN = 4  # what the stand-in counts as one token


class EchoBrain:
    """Repeats the last message up to the longest reply that the request allows.

    It plays no role: tools and reply schemas are ignored.
    """

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        """As many tokens as ``max_completion_tokens`` or ``max_tokens``, or 25."""
        tokens = body.get("max_completion_tokens") or body.get("max_tokens") or DEFAULT_TOKENS
        length = min(tokens, _MOST_TOKENS) * _CHARACTERS_PER_TOKEN
        content = body["messages"][-1].get("content")
        said = f"{content} " if isinstance(content, str) else "echo "
        return Reply(content=(said * (length // len(said) + 1))[:length])
