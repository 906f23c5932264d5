"""A function that an assistant may call, in the one normal form that everything speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import orjson

Schema = Mapping[str, Any]
"""A JSON Schema (draft 2020-12) as plain Python values."""

LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What hosted chat APIs accept as the name of a function; use ``fullmatch``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One callable function: its name, what it takes and what it gives."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    name: str
    """Unique in its catalog; matches `LEGAL_NAME`."""
    description: str
    parameters: Schema
    """JSON Schema of the arguments; always ``"type": "object"`` with ``"properties"``."""
    outputs: Schema | None = None
    """JSON Schema of the result; ``"type": "object"``. None when the catalog declares none."""
    outputs_origin: Literal["declared", "inferred", "absent"] = "absent"
    domain: str = ""
    original_name: str = ""
    """The name in the catalog, where it had to be changed to be legal or unique."""
    source: str = ""
    """Which catalog it came from, as the user named it."""
    licence: str | None = None
    schema: int = 1
    """Raised whenever a stored field changes meaning."""

    _tool_json: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def tool_json(self) -> bytes:
        """This function as an entry of a chat request's ``tools``; encoded once."""
        encoded = self._tool_json
        if encoded is None:
            encoded = orjson.dumps(self.as_tool())
            object.__setattr__(self, "_tool_json", encoded)
        return encoded

    def as_tool(self) -> dict[str, Any]:
        """This function in the ``tools`` form of chat completions."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": dict(self.parameters),
            },
        }
