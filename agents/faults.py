"""Things that go wrong in tools on purpose, so that the data shows what to do about them.

Kimi K2's tool simulator does so (arXiv 2507.20534); what went wrong, and where, is part of the
trajectory, so that judges and readers can tell it from a tool that is badly played.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from simkit.traces.arguments import schema_problem
from simkit.traces.functions import Function
from simkit.traces.plans import FaultKind
from simkit.traces.seeds import stream

_ERRORS: Mapping[FaultKind, tuple[str, str]] = {
    "timeout": ("timeout", "the function did not answer in time; the call may be made again"),
    "transient": (
        "temporarily_unavailable",
        "the service is not available at the moment; the call may be made again",
    ),
}
_NOTE = "only part of the data could be loaded"


class Faults:
    """The faults of one conversation; the same seed gives the same ones.

    Args:
        rate: Share, in [0, 1], of calls that go wrong.
    """

    def __init__(self, seed: int, rate: float) -> None:
        self._seed = seed
        self._rate = rate

    def draw(self, turn: int, part: int) -> FaultKind | None:
        """What goes wrong with call *part* of message *turn*, if anything does."""
        if not self._rate:
            return None
        draw = stream(self._seed, "fault", turn, part)
        return draw.choice(get_args(FaultKind)) if draw.random() < self._rate else None


def error_of(kind: FaultKind) -> tuple[str, str] | None:
    """Type and message of the error that *kind* answers a call with; None where it spoils a
    result."""
    return _ERRORS.get(kind)


def spoiled(kind: FaultKind, function: Function, result: dict[str, Any]) -> dict[str, Any] | None:
    """*result* as it is when *kind* goes wrong; None where there is nothing to spoil, or what is
    left would break the output schema."""
    left = _emptied(result) if kind == "empty" else _halved(result)
    if left is None:
        return None
    # A closed schema has no room for the note.
    for candidate in (left, {name: left[name] for name in result}):
        if function.outputs is None or schema_problem(function.outputs, candidate) is None:
            return candidate
    return None


def _emptied(result: dict[str, Any]) -> dict[str, Any] | None:
    if not any(isinstance(value, list) and value for value in result.values()):
        return None
    counted = {"count", "total", "total_count", "total_results"}
    return {
        name: [] if isinstance(value, list) else 0 if name in counted else value
        for name, value in result.items()
    }


def _halved(result: dict[str, Any]) -> dict[str, Any] | None:
    if not any(isinstance(value, list) and len(value) > 1 for value in result.values()):
        return None
    left = {
        name: value[: len(value) // 2] if isinstance(value, list) and len(value) > 1 else value
        for name, value in result.items()
    }
    return left | {"partial": True, "note": _NOTE}
