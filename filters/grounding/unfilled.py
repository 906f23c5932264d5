"""Slots of calls that were left unfilled."""

from __future__ import annotations

import re

from simkit.filters.grounding.argument_values import ArgumentValue
from simkit.filters.grounding.placeholders import is_placeholder
from simkit.filters.grounding.turns import Sources
from simkit.traces.one_line import one_line

_EXAMPLES = re.compile(
    r"(?:such as|e\.g\.,?|for example,?|for instance,?|example:|examples:|eg\.?:?)\s{0,3}"
    r"(?P<given>.{1,120})",
    re.IGNORECASE | re.DOTALL,
)
_EMPTY_ALLOWED = re.compile(r"\b(?:empty|blank|optional|omit|default)", re.IGNORECASE)


def unfilled(argument: ArgumentValue, sources: Sources) -> str | None:
    """Why *argument* is a slot that nobody filled, as the end of a sentence; or None."""
    text = argument.value
    if not isinstance(text, str) or _is_declared(text, argument):
        return None
    description = str(argument.schema.get("description", ""))
    if not text.strip():
        is_missing = argument.is_required and not _EMPTY_ALLOWED.search(description)
        return "it is empty" if is_missing else None
    if is_placeholder(text, argument.name) and not _is_said(text, sources):
        return f"{one_line(text, limit=60)!r} is a placeholder"
    if _is_example(text, description) and not _is_said(text, sources):
        return f"{one_line(text, limit=60)!r} is the example of its description"
    return None


def _is_declared(text: str, argument: ArgumentValue) -> bool:
    choices = argument.schema.get("enum")
    if isinstance(choices, list) and text in choices:
        return True
    return any(text == argument.schema.get(key, object()) for key in ("const", "default"))


def _is_said(text: str, sources: Sources) -> bool:
    """Whether somebody has said it, as a value with letters or digits can be."""
    return any(map(str.isalnum, text)) and sources.said.has_run(text)


def _is_example(text: str, description: str) -> bool:
    """Whether *text* is an identifier that *description* gives as an example."""
    if not any(map(str.isdigit, text)) or not any(map(str.isalpha, text)):
        return False
    return any(text in found["given"] for found in _EXAMPLES.finditer(description))
