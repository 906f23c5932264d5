"""What a conversation is to contain by design, told apart from what then happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

ScenarioKind = Literal["chain", "missing_function", "missing_parameter", "irrelevance"]
"""``chain``: everything can be done. ``missing_function``: one step cannot, for its function is
not on offer. ``missing_parameter``: a value that is needed is given only when asked for.
``irrelevance``: nothing that is asked for can be done with what is on offer."""

DialogueKind = Literal["gradual", "single", "change_of_mind", "chit_chat", "follow_up"]
"""How the user goes about it. ``gradual``: one goal after the other, as in the paper (arXiv
2511.15718). ``single``: all goals in one message. ``change_of_mind``: takes back a value that they
gave. ``chit_chat``: some small talk in between. ``follow_up``: asks about a result again, later."""

FaultKind = Literal["timeout", "transient", "empty", "partial"]
"""What goes wrong in a tool on purpose. ``timeout`` and ``transient``: an error, and the same call
works when it is made again. ``empty``: a result without content. ``partial``: one with parts
missing, which says so where its schema leaves room for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """What kind of person the user is, in words that finish the sentence "someone who is ...".

    Drawn from small lists, so that a run covers people whom a model would not think of.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    age: str
    """E.g. "in their sixties"."""
    occupation: str
    """E.g. "a night nurse"."""
    expertise: str
    """How well they know the matter, e.g. "new to this"."""
    manner: str
    """How they talk, e.g. "brief and to the point"."""
    mood: str
    """E.g. "in a hurry"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that went wrong in a tool on purpose."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    message: int
    """Index of the tool message that tells it."""
    kind: FaultKind


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
