"""Makes schemas of an OpenAPI document stand alone: references inlined, size bounded.

A schema that contains itself is kept once, under ``$defs``. One that is too large is
trimmed evenly: the deepest levels become open schemas of their type, until the rest fits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import orjson

from simkit.graph.catalogs.keywords import FOREIGN, LISTS, MAPS, SINGLE, is_keyword
from simkit.graph.catalogs.openapi.all_of import joined
from simkit.graph.catalogs.openapi.keywords import bounded, modern
from simkit.graph.catalogs.openapi.references import References, Unresolved

MAX_SCHEMAS = 400
"""Schemas inside one schema of a function; a request with more would be mostly schema."""
MAX_BYTES = 40_000
MAX_NESTING = 18
"""Schemas inside schemas; the normal form refuses over 20, and its wrapping adds some."""
MAX_STEPS = 8
"""References, and compositions in compositions, on the way to one schema of a value."""
MAX_LISTED = 10_000
"""Properties looked at to choose the ones that are kept."""
MAX_PROPERTY_NAME = 200

_ABOUT_SAME_VALUE = ("anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_LEFT_TO_REFERENCES = ("$defs", "definitions", "$ref", "allOf", "required", *FOREIGN)
_HOLDERS = frozenset({*MAPS, *LISTS, *SINGLE})
_STRUCTURE = {*_HOLDERS, "type", "required", "enum"}
_INLINED = "#inlined"
"""Stands for a schema that is no target of a reference, to say that its parts are inlined."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    depth: int
    """Values inside values."""
    width: int = 200
    """Properties of an object, and parts of a list of schemas."""
    text: int = 1_000
    """Characters of a description."""


_BOUNDS = (
    *(_Bounds(depth) for depth in (16, 8, 6, 5, 4, 3, 2)),
    _Bounds(1, width=100, text=300),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands in the one that is being made."""

    depth: int = 0
    """Values around this one."""
    steps: int = 0
    """From the first schema of this value to here."""
    inlined: frozenset[str] = frozenset({_INLINED})
    """References followed on the way to here that are about the same value."""

    def inside(self) -> _Place:
        """For a schema of a part of the value."""
        return _Place(self.depth + 1, 0, frozenset())

    def beside(self, *inlined: str) -> _Place:
        """For another schema of the same value."""
        return replace(self, steps=self.steps + 1, inlined=self.inlined | {*inlined})


def standing_alone(
    schema: Any, references: References, repairs: list[str], *, left_out: str
) -> Any:
    """*schema* with all it refers to, as JSON Schema without OpenAPI's own keywords.

    Args:
        schema: As it stands in the document; anything that is no schema gives ``{}``.
        references: Of the document.
        repairs: What had to be repaired or trimmed is appended.
        left_out: The flag of properties to leave out: ``"readOnly"`` for what is sent,
            ``"writeOnly"`` for what comes back.

    The root is never a reference; recursive schemas are under its ``$defs``. At most
    `MAX_SCHEMAS` schemas are made each time, for a handful of bounds from wide to narrow.
    """
    for bounds in _BOUNDS:
        making = _Making(references, bounds, left_out, is_last=bounds is _BOUNDS[-1])
        try:
            made = making.whole(schema)
        except _TooLarge:
            continue
        if _levels(made) <= MAX_NESTING and len(orjson.dumps(made)) <= MAX_BYTES:
            break
    repairs.extend(making.repairs)
    return made


def _levels(schema: Any) -> int:
    if not isinstance(schema, dict):
        return 0
    inner = [schema[key] for key in SINGLE if key in schema]
    inner += chain.from_iterable(schema[key].values() for key in MAPS if key in schema)
    inner += chain.from_iterable(schema[key] for key in LISTS if key in schema)
    return 1 + max(map(_levels, inner), default=0)


class _TooLarge(Exception):
    """Over `MAX_SCHEMAS`: narrower bounds are needed."""


class _Making:
    """Makes one schema stand alone, within fixed bounds."""

    def __init__(
        self, references: References, bounds: _Bounds, left_out: str, *, is_last: bool
    ) -> None:
        self._references = references
        self._bounds = bounds
        self._left_out = left_out
        self._is_last = is_last
        self._made = 0
        self._definitions: dict[str, str] = {}
        """Name under ``$defs`` by reference."""
        self.repairs: list[str] = []

    def whole(self, schema: Any) -> Any:
        root = self._schema(schema, _Place())
        definitions: dict[str, Any] = {}
        while len(definitions) < len(self._definitions):  # each may need further ones
            for reference, name in list(self._definitions.items())[len(definitions) :]:
                place = _Place(depth=1, inlined=frozenset({reference}))
                target = self._references.target(reference)
                definitions[name] = self._schema(target, place)
        return root | {"$defs": definitions} if definitions else root

    def _schema(self, value: Any, place: _Place) -> Any:
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict):
            self.repairs.append("unreadable schema")
            return {}
        if self._made == MAX_SCHEMAS:
            if not self._is_last:
                raise _TooLarge
            self.repairs.append("schema trimmed")
            return {}
        self._made += 1
        return self._referred(value, place) if "$ref" in value else self._node(value, place)

    def _referred(self, value: dict[str, Any], place: _Place) -> Any:
        reference = value["$ref"]
        beside = {key: part for key, part in value.items() if key != "$ref"}
        if not _STRUCTURE.isdisjoint(beside):
            return self._node({"allOf": [{"$ref": reference}, beside]}, place)
        try:
            target = self._references.target(reference)
        except Unresolved:
            self.repairs.append("reference to nothing")
            return self._node(beside, place)
        if reference in place.inlined:
            self.repairs.append("schema made of itself")
            return {}
        if not isinstance(target, dict):
            return self._schema(target, place)
        whole = target | beside
        if self._is_too_deep(place):
            return self._cut(whole)
        if not place.inlined and self._references.is_recursive(reference):
            return self._kept_once(reference, beside)
        return self._schema(whole, place.beside(reference))

    def _kept_once(self, reference: str, beside: dict[str, Any]) -> dict[str, Any]:
        name = self._definitions.setdefault(reference, self._free_name(reference))
        notes = self._plain(beside)
        return modern({"$ref": f"#/$defs/{name}"} | notes, beside)

    def _free_name(self, reference: str) -> str:
        last = reference.rpartition("/")[2][:60]
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in last) or "root"
        taken = self._definitions.values()
        return f"{name}_{len(self._definitions) + 1}" if name in taken else name

    def _is_too_deep(self, place: _Place) -> bool:
        return place.depth > self._bounds.depth or place.steps > MAX_STEPS

    def _cut(self, value: dict[str, Any]) -> dict[str, Any]:
        """*value* without the schemas inside it."""
        if not _HOLDERS.isdisjoint(value) or "$ref" in value:
            self.repairs.append("schema trimmed")
        return modern(self._plain(value), value)

    def _node(self, value: dict[str, Any], place: _Place) -> Any:
        if self._is_too_deep(place):
            return self._cut(value)
        node = self._plain(value)
        for key in (*MAPS, *LISTS, *SINGLE):
            if key in value and key not in _LEFT_TO_REFERENCES:
                node.update(self._inner(key, value, place))
        if _are_texts(value.get("required")):
            node["required"] = value["required"][:MAX_LISTED]
        elif isinstance(value.get("required"), bool):  # said in a property about itself
            node["required"] = value["required"]
        if isinstance(value.get("allOf"), list):
            node = self._all_of(node, value["allOf"], place)
        if "properties" in node and isinstance(node.get("required"), list):
            node["required"] = [name for name in node["required"] if name in node["properties"]]
        return modern(node, value)

    def _plain(self, value: dict[str, Any]) -> dict[str, Any]:
        """The keywords of *value* that hold no schemas, each of bounded size."""
        node = {}
        for key in islice(value, MAX_LISTED):
            if is_keyword(key) and key not in _HOLDERS and key not in _LEFT_TO_REFERENCES:
                part = bounded(key, value[key], self._bounds.text, self.repairs)
                if part is not None:
                    node[key] = part
        return node

    def _inner(self, key: str, value: dict[str, Any], place: _Place) -> dict[str, Any]:
        part = value[key]
        below = place.beside() if key in _ABOUT_SAME_VALUE else place.inside()
        if key == "properties" and isinstance(part, dict):
            kept = self._chosen(part, value.get("required"))
            return {key: {name: self._schema(part[name], below) for name in kept}}
        if key == "additionalProperties" and part is False and self._is_wide(value):
            return {}  # there are more properties than are kept
        if key in MAPS and isinstance(part, dict):
            items = islice(part.items(), self._bounds.width)
            return {key: {name: self._schema(each, below) for name, each in items}}
        if isinstance(part, list) and (key in LISTS or key == "items"):
            return self._several(key, part, below)
        return self._single(key, part, below) if key in SINGLE else {}

    def _single(self, key: str, part: Any, below: _Place) -> dict[str, Any]:
        repaired = len(self.repairs)
        schema = self._schema(part, below)
        if key in ("not", "if") and len(self.repairs) > repaired:
            return {}  # opened, it would refuse or concern values that it did not
        return {key: schema}

    def _chosen(self, properties: dict[str, Any], required: Any) -> list[str]:
        """The names to keep, in their order; required ones before others when it is narrow."""
        names = [name for name in islice(properties, MAX_LISTED) if self._is_kept(properties, name)]
        if len(names) <= self._bounds.width:
            return names
        self.repairs.append("properties trimmed")
        first = set(required[:MAX_LISTED]) if _are_texts(required) else set()
        ordered = sorted(range(len(names)), key=lambda at: (names[at] not in first, at))
        return [names[at] for at in sorted(ordered[: self._bounds.width])]

    def _is_wide(self, value: dict[str, Any]) -> bool:
        properties = value.get("properties")
        return isinstance(properties, dict) and len(properties) > self._bounds.width

    def _is_kept(self, properties: dict[str, Any], name: str) -> bool:
        schema = properties[name]
        is_left_out = isinstance(schema, dict) and schema.get(self._left_out) is True
        return not is_left_out and len(name) <= MAX_PROPERTY_NAME

    def _several(self, key: str, parts: list[Any], below: _Place) -> dict[str, Any]:
        repaired = len(self.repairs)
        if key in ("anyOf", "oneOf") and len(parts) > self._bounds.width:
            self.repairs.append("schema trimmed")
            return {}  # the choices that are kept would refuse values of the others
        schemas = [self._schema(part, below) for part in parts[: self._bounds.width]]
        if key == "oneOf" and len(self.repairs) > repaired:
            # Schemas that were opened may no longer exclude each other.
            key = "anyOf"
        return {key: schemas} if schemas else {}

    def _all_of(self, node: dict[str, Any], parts: list[Any], place: _Place) -> dict[str, Any]:
        below = place.beside(_INLINED)
        members = [self._schema(part, below) for part in parts[: self._bounds.width]]
        whole = joined([node, *members])
        return node | {"allOf": members} if whole is None else whole


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
