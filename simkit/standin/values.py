"""Plausible values for the JSON Schemas of tool definitions."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from simkit.standin.keywords import count_at, list_at, mapping_at, referred, text_at, types_of
from simkit.standin.named_text import formatted_text, text_for
from simkit.standin.number_values import integer_for, number_for
from simkit.standin.patterns import contains, matching_text
from simkit.standin.schema_merge import merged
from simkit.standin.words import NOUNS, singular
from simkit.traces.functions import Schema

_DEEP = 4
"""From this depth on, what is optional is left out."""
_DEEPEST = 24
_TRIES = 12
_OPTIONAL_SHARE = 0.8
_MOST_PARTS = 5000
"""A schema that asks for more than this many values is not followed to its end."""
_NOTHING_REMOTE: Registry[Any] = Registry()  # the default one fetches what a $ref names
_CHECKER = Draft202012Validator.TYPE_CHECKER
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_TYPE_BY_KEYWORD = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
}


def make_value(schema: Schema, name: str, draw: random.Random) -> Any:
    """A value that is valid under *schema*, for a field called *name*.

    The words of *name* and of the description decide what it looks like: a city, a date,
    an e-mail address. References are looked up in *schema* itself. Best effort: keywords
    that are not understood (``not``, ``if``, remote references, ...) are ignored, nothing is
    raised, and it is the caller's to notice a value that does not validate.
    """
    return _Maker(schema, draw).value(schema, name, 0)


class _Maker:
    """Makes values for one document, from one random stream."""

    def __init__(self, root: Schema, draw: random.Random) -> None:
        self._root = root
        self._draw = draw
        self._parts = 0
        self._checkable = True

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST_PARTS:
            return None
        if not isinstance(schema, Mapping):
            return text_for(name, "", self._draw)
        plain = self._flattened(schema)
        branches = list_at(plain, "oneOf")
        if branches:
            return self._one_of(plain, branches, name, depth)
        return self._plain_value(plain, name, depth)

    def _plain_value(self, schema: Schema, name: str, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        kinds = types_of(schema)
        if choices := list_at(schema, "enum"):
            fitting = [choice for choice in choices if _has_type(choice, kinds)]
            spoken = [choice for choice in fitting if choice is not None]
            return self._draw.choice(spoken or fitting or choices)
        match self._kind(schema, kinds):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return integer_for(schema, name, self._draw)
            case "number":
                return number_for(schema, name, self._draw)
            case "boolean":
                return self._draw.random() < 0.5
            case "null":
                return None
        return self._string(schema, name)

    def _kind(self, schema: Schema, kinds: list[str]) -> str:
        if not kinds:
            return next((kind for word, kind in _TYPE_BY_KEYWORD.items() if word in schema), "")
        spoken = [kind for kind in kinds if kind != "null"]
        return self._draw.choice(spoken) if spoken else "null"

    # One schema out of several

    def _flattened(self, schema: Schema) -> Schema:
        """*schema* without references, allOf and anyOf; oneOf stays."""
        for _ in range(_DEEPEST):  # a reference may lead to itself
            rest = dict(schema)
            if isinstance(reference := rest.pop("$ref", None), str):
                parts = [referred(reference, self._root)]
            elif parts := list_at(rest, "allOf"):
                del rest["allOf"]
            elif branches := list_at(rest, "anyOf"):
                del rest["anyOf"]
                parts = [self._draw.choice(_spoken(branches))]
            else:
                return schema
            for part in parts:
                if isinstance(part, Mapping):
                    rest = merged(part, rest)
            schema = rest
        return {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}

    def _one_of(self, schema: Schema, branches: list[Any], name: str, depth: int) -> Any:
        """A value of one branch that no other branch takes, if a few tries find one."""
        rest = {key: value for key, value in schema.items() if key != "oneOf"}
        likely = _spoken(branches)
        order = self._draw.sample(likely, min(4, len(likely)))
        value = None
        for sparse in (depth, depth, max(depth, _DEEP), max(depth, _DEEP)):
            for branch in order:
                both = merged(branch, rest) if isinstance(branch, Mapping) else rest
                value = self.value(both, name, sparse + 1)
                if self._takes_one(branches, value):
                    return value
        return value

    def _takes_one(self, branches: list[Any], value: Any) -> bool:
        """Whether just one branch takes *value*; also True when that cannot be found out."""
        if not self._checkable:
            return True
        try:
            whole = Draft202012Validator(self._root, registry=_NOTHING_REMOTE)
            accepts = [bool(whole.evolve(schema=part).is_valid(value)) for part in branches]
        except Exception:  # whatever a schema that is itself broken makes a validator raise
            self._checkable = False
            return True
        return accepts.count(True) == 1

    # One method a type

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = mapping_at(schema, "properties")
        required = [name for name in list_at(schema, "required") if isinstance(name, str)]
        chosen = self._chosen(schema, properties, required, depth)
        value = {}
        for name in chosen:
            child = properties.get(name, schema.get("additionalProperties", True))
            for pattern, also in mapping_at(schema, "patternProperties").items():
                if contains(pattern, name):
                    child = merged(child, also) if isinstance(child, Mapping) else also
            value[name] = self.value(child, name, depth + 1)
        return value

    def _chosen(
        self, schema: Schema, properties: Schema, required: list[str], depth: int
    ) -> list[str]:
        """The names of an object's fields, in the order of the schema."""
        optional = [name for name in properties if name not in required]
        optional = [name for name in optional if properties[name] is not False]
        wanted = [
            name for name in optional if self._draw.random() < _OPTIONAL_SHARE and depth < _DEEP
        ]
        most = count_at(schema, "maxProperties", sys.maxsize) - len(required)
        wanted = wanted[: max(0, most)]
        missing = count_at(schema, "minProperties", 0) - len(required) - len(wanted)
        wanted += [name for name in optional if name not in wanted][: max(0, missing)]
        names = [name for name in properties if name in wanted or name in required]
        names += [name for name in dict.fromkeys(required) if name not in properties]
        return names + self._invented(schema, properties, names, depth)

    def _invented(
        self, schema: Schema, properties: Schema, names: list[str], depth: int
    ) -> list[str]:
        """Names for an object that is a map, or that must hold more than is declared."""
        if schema.get("additionalProperties") is False:
            return []
        missing = count_at(schema, "minProperties", 0) - len(names)
        is_map = isinstance(schema.get("additionalProperties"), Mapping) and not properties
        if is_map and depth < _DEEP and count_at(schema, "maxProperties", sys.maxsize) > 0:
            missing = max(missing, 1)
        fresh = [noun for noun in NOUNS if noun not in properties and noun not in names]
        fresh += [f"field_{number}" for number in range(missing - len(fresh))]
        return fresh[: max(0, missing)]

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = count_at(schema, "minItems", 0)
        most = max(least, count_at(schema, "maxItems", max(least, 3)))
        size = (
            least
            if depth >= _DEEP
            else self._draw.randint(max(least, min(1, most)), min(most, least + 3))
        )
        leading = list_at(schema, "prefixItems")
        found: list[Any] = [self.value(part, name, depth + 1) for part in leading[:most]]
        if "contains" in schema and not found:
            found.append(self.value(self._with(schema, "contains"), singular(name), depth + 1))
        items = schema.get("items", True)
        if items is False:
            return found
        unique = schema.get("uniqueItems") is True
        for _ in range(_TRIES * max(1, size)):
            if len(found) >= size:
                break
            item = self.value(items, singular(name), depth + 1)
            if not unique or not any(_same(item, other) for other in found):
                found.append(item)
        return found

    def _with(self, schema: Schema, keyword: str) -> Any:
        part, items = schema[keyword], schema.get("items")
        if isinstance(part, Mapping) and isinstance(items, Mapping):
            return merged(items, part)
        return part

    def _string(self, schema: Schema, name: str) -> str:
        least = count_at(schema, "minLength", 0)
        most = count_at(schema, "maxLength", sys.maxsize)
        text = formatted_text(text_at(schema, "format"), self._draw)
        if text is None:
            text = text_for(name, text_at(schema, "description"), self._draw)
        if pattern := text_at(schema, "pattern"):
            return self._matching(pattern, text, least, most)
        while len(text) < least:
            text += f" {self._draw.choice(NOUNS)}"
        return text if len(text) <= most else text[:most]

    def _matching(self, pattern: str, text: str, least: int, most: int) -> str:
        if contains(pattern, text) and least <= len(text) <= most:
            return text
        shortest = matching_text(pattern, self._draw, spare=0)
        if shortest is None:
            return text
        missing = max(0, least - len(shortest))
        for _ in range(_TRIES):
            found = matching_text(pattern, self._draw, spare=max(6, 2 * missing))
            if found is not None and least <= len(found) <= most:
                return found
        return matching_text(pattern, self._draw, spare=missing, all_spare=True) or shortest


def _spoken(branches: list[Any]) -> list[Any]:
    """The branches that say more than null, or all when none does."""
    saying = [part for part in branches if part is not False and part != {"type": "null"}]
    return saying or branches


def _has_type(value: Any, kinds: list[str]) -> bool:
    known = [kind for kind in kinds if kind in _TYPES]
    return not known or any(_CHECKER.is_type(value, kind) for kind in known)


def _same(first: Any, second: Any) -> bool:
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)
