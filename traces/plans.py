"""What a conversation is to contain by design, told apart from what then happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

ScenarioKind = Literal["chain", "missing_function", "missing_parameter", "irrelevance"]
"""``chain``: everything can be done. ``missing_function``: one step cannot, for its function is
not on offer. ``missing_parameter``: a value that is needed is given only when asked for.
``irrelevance``: nothing that is asked for can be done with what is on offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the user brings up once, and the functions that it takes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    functions: tuple[str, ...]
    """What the user asks for; several can be called together, as none needs another."""
    implicit: tuple[str, ...] = ()
    """What nobody asks for, and what must be called before, in this order, to get a value."""
    needs: tuple[int, ...] = ()
    """Earlier steps, by position and ascending, whose results this one builds on."""
    when_asked: tuple[str, ...] = ()
    """Required parameters of its only function whose values the user gives only when asked."""
