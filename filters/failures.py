"""Results that say that nothing was done, in whatever form tools say it."""

from __future__ import annotations

import re
from typing import Any

from simkit.filters.tool_results import error_in
from simkit.traces.records import Message
from simkit.traces.shallow_json import parse_json

_IN_PROSE = re.compile(r"\s*[\"']?(?:error|exception|failed|failure|traceback)\b", re.IGNORECASE)
_BAD_STATES = frozenset(["denied", "error", "failed", "failure", "invalid", "rejected"])


def is_failure(result: Message) -> bool:
    """Whether a tool message reports an error, as JSON or as text that begins like one.

    ``{"error": ...}``, ``{"success": false}`` and ``{"status": "failed"}`` are failures, and so
    is ``Error: no such user``.
    """
    if error_in(result) is not None or _IN_PROSE.match(result.content):
        return True
    try:
        value = parse_json(result.content)
    except ValueError:
        return False
    return isinstance(value, dict) and _says_no(value)


def _says_no(value: dict[str, Any]) -> bool:
    state = value.get("status")
    return value.get("success") is False or (
        isinstance(state, str) and state.casefold() in _BAD_STATES
    )
