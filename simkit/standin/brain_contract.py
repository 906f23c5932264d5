"""What the HTTP shell asks of whoever writes the replies."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model says."""

    content: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()
    """Name and arguments (JSON text) of each call, in order; the shell makes the ids."""
    reasoning: str | None = None
    mistake: str | None = None
    """Label of the mistake that was made on purpose, if any."""


class Brain(Protocol):
    """Writes replies by rule."""

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        """Answer the request *body*, which has passed every check of the shell.

        *draw* is seeded with the provider's seed and the request's bytes, and is the only
        source of chance: so the same request always gets the same reply.
        """
        ...
