"""What a stand-in provider has done so far."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

_RECENT = 20


@dataclass(slots=True)
class Stats:
    """Counters; each request ends up in exactly one of those from ``answered`` to ``broken``."""

    requests: int = 0
    admitted: int = 0
    """Requests that no limit refused, however they ended."""
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Requests that were wrong, by status and the field at fault, e.g. ``"400 messages"``."""
    recent_refusals: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """The messages of the last refusals, newest last."""
    rate_limited: Counter[str] = field(default_factory=Counter)
    """By the limit that was exceeded."""
    faults: Counter[str] = field(default_factory=Counter)
    """By kind; these were made to fail."""
    abandoned: int = 0
    """The client left before it was answered."""
    broken: int = 0
    """The brain raised an error: a bug, answered with 500 and logged."""
    mistakes: Counter[str] = field(default_factory=Counter)
    """Answered requests with a mistake made on purpose, by label."""
    input_tokens: int = 0
    output_tokens: int = 0

    def count_refusal(self, status: int, param: str | None, message: str) -> None:
        """A request was wrong."""
        where = (param or "request").split("[")[0].split(".")[0]
        self.refused[f"{status} {where}"] += 1
        self.recent_refusals.append(message)

    def count_answer(self, input_tokens: int, output_tokens: int, mistake: str | None) -> None:
        """A request was answered."""
        self.answered += 1
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        if mistake is not None:
            self.mistakes[mistake] += 1

    def as_json(self) -> dict[str, Any]:
        """Everything, in the form of ``GET /stats``."""
        return {
            "requests": self.requests,
            "admitted": self.admitted,
            "answered": self.answered,
            "refused": dict(self.refused),
            "recent_refusals": list(self.recent_refusals),
            "rate_limited": dict(self.rate_limited),
            "faults": dict(self.faults),
            "abandoned": self.abandoned,
            "broken": self.broken,
            "mistakes": dict(self.mistakes),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
