"""Rows of tool-use data sets: a conversation or a query, and the functions it may use.

Read are xlam (``query``, ``answers``, ``tools`` as a JSON text), glaive in its raw form
(``system``, ``chat``) and as ShareGPT, ToolACE (functions inside the ``system`` text), Hermes
(``<tools>`` inside a system message), ToolMind, When2Call and others of these shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from simkit.graph.catalogs.entry import Entry, Fault, inside, kind
from simkit.graph.catalogs.functions import function_entry
from simkit.graph.catalogs.python_literals import NotLiteral, literal
from simkit.graph.catalogs.system_texts import functions_in

_CONVERSATIONS = ("conversations", "messages", "chat", "answers")
_TOOLS = ("tools", "functions")


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a row, often none; None for another format."""
    if not isinstance(document, dict) or not _is_row(document):
        return None
    named = next((key for key in _TOOLS if document.get(key)), None)
    if named is None:
        found = functions_in(_system_text(document))
        entries = [_from_text(function, inside(position, "system")) for function in found]
    else:
        entries = list(_listed(document[named], inside(position, named)))
    return [_with_labels(entry, document) for entry in entries]


def _is_row(document: dict[str, Any]) -> bool:
    return any(key in document for key in _CONVERSATIONS) or isinstance(document.get("tools"), str)


def _listed(tools: Any, position: str) -> Iterator[Entry | Fault]:
    try:
        tools = _value_in(tools) if isinstance(tools, str) else tools
    except NotLiteral as error:
        yield Fault(position=position, reason=f"is {error}")
        return
    if isinstance(tools, dict):
        tools = [tools]
    if not isinstance(tools, list):
        yield Fault(position=position, reason=f"is {kind(tools)}, not a list of functions")
        return
    for at, tool in enumerate(tools):
        yield function_entry(tool, f"{position}[{at}]")


def _value_in(text: str) -> Any:
    """The value of a JSON text, or of one that Python wrote."""
    try:
        return orjson.loads(text) if text.strip() else []
    except orjson.JSONDecodeError:
        return literal(text)


def _from_text(function: Any, position: str) -> Entry | Fault:
    if function is None:
        return Fault(position=position, reason="holds a function that is not valid JSON")
    return function_entry(function, position)


def _system_text(document: dict[str, Any]) -> str:
    """What the row tells the assistant first: its system prompt, or an empty text."""
    system = document.get("system")
    if isinstance(system, str):
        return system
    for key in _CONVERSATIONS:
        match document.get(key):
            case [{"role": "system", "content": text} | {"from": "system", "value": text}, *_]:
                return _text(text)
    return ""


def _text(content: Any) -> str:
    """The text of a message, also of one in parts."""
    parts = content if isinstance(content, list) else [content]
    texts = (
        part.get("text", part.get("value")) if isinstance(part, dict) else part for part in parts
    )
    return "\n".join(text for text in texts if isinstance(text, str))


def _with_labels(entry: Entry | Fault, document: dict[str, Any]) -> Entry | Fault:
    domain, licence = document.get("category"), document.get("license")
    if isinstance(entry, Fault) or not (domain or licence):
        return entry
    return replace(entry, domain=domain, licence=entry.licence or licence)
