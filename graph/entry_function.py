"""From an entry, as its catalog spells it, to a function in normal form."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from simkit.graph.catalogs.entry import Entry
from simkit.graph.catalogs.names import legal_name, words_of
from simkit.graph.normal_form import (
    UnusableSchema,
    cut_description,
    normal_outputs,
    normal_parameters,
)
from simkit.traces.functions import Function

MAX_NAME = 1_000
"""Characters of a name in a catalog; the legal part of it is 64 at most."""
MAX_LABEL = 200
"""Characters of a domain or a licence that are kept."""
NO_DESCRIPTION = "missing description"
"""The repair of a function that has no description of its own."""


class Refused(Exception):
    """A place in a file gives no function; the message becomes `Rejection.reason`."""


def function_of(entry: Entry, repairs: Counter[str], *, source: str) -> Function:
    """The function that *entry* means; its name is legal, but may be that of another one.

    What was repaired is counted in *repairs*.

    Raises:
        Refused: It has no name that can be used, or no readable parameters.
    """
    name = _name(entry.name)
    legal = legal_name(name)
    if legal != name:
        repairs["illegal name"] += 1
    outputs = _outputs(entry, repairs)
    return Function(
        name=legal,
        description=_description(entry, name, repairs),
        parameters=_parameters(entry, name, repairs),
        outputs=outputs,
        outputs_origin=_origin(entry, outputs),
        domain=_label(entry.domain) or "",
        original_name="" if name == legal else name,
        source=_label(entry.source) or source,
        licence=_label(entry.licence),
    )


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused("has no name")
    if len(value) > MAX_NAME:
        raise Refused(f"has a name of over {MAX_NAME:,} characters")
    return _encodable(value)


def _parameters(entry: Entry, name: str, repairs: Counter[str]) -> dict[str, Any]:
    try:
        return normal_parameters(entry.parameters, repairs, function_name=name)
    except UnusableSchema as error:
        raise Refused(f"declares parameters that {error}") from error


def _description(entry: Entry, name: str, repairs: Counter[str]) -> str:
    if isinstance(entry.description, str) and entry.description.strip():
        return _encodable(cut_description(entry.description, repairs))
    repairs[NO_DESCRIPTION] += 1
    return words_of(name).capitalize() + "."


def _outputs(entry: Entry, repairs: Counter[str]) -> dict[str, Any] | None:
    if entry.outputs is None:
        return None
    found: Counter[str] = Counter()
    try:
        outputs = normal_outputs(entry.outputs, found)
    except UnusableSchema:  # the function can be called all the same
        repairs["unreadable outputs"] += 1
        return None
    repairs.update(found)
    return outputs


def _origin(
    entry: Entry, outputs: dict[str, Any] | None
) -> Literal["declared", "inferred", "absent"]:
    if outputs is None:
        return "absent"
    return "inferred" if entry.outputs_inferred else "declared"


def _label(value: Any) -> str | None:
    return _encodable(value[:MAX_LABEL]) if isinstance(value, str) and value else None


def _encodable(text: str) -> str:
    """*text* with "?" for half a surrogate pair, which some formats can spell but UTF-8 cannot."""
    return text.encode(errors="replace").decode()
