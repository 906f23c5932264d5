"""Keywords of JSON Schema, draft 2020-12: which hold schemas, and which values they allow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import orjson

MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Hold schemas by name."""
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
SINGLE = (
    *("items", "additionalProperties", "contains", "not", "if", "then", "else"),
    *("propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"),
)
FOREIGN = (
    *("$schema", "$id", "$vocabulary", "$anchor", "$dynamicAnchor"),
    *("$recursiveAnchor", "$recursiveRef", "dependencies"),
)
"""Say which draft or address a schema has, or come from older drafts; ours needs none."""

_PLAIN = (
    *("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength"),
    *("minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains"),
    *("minContains", "maxProperties", "minProperties", "dependentRequired", "enum", "title"),
    *("description", "$ref", "$comment", "format", "readOnly", "writeOnly", "deprecated"),
    *("examples", "contentEncoding", "contentMediaType"),
)
_KEYWORDS = {*MAPS, *LISTS, *SINGLE, *FOREIGN, *_PLAIN, "type", "required", "default", "const"}
_TEXTS = ("title", "description", "$comment", "format")

_TYPES = {
    "object": ("object", "dict", "map", "hashmap", "hashtable"),
    "array": ("array", "list", "arraylist", "tuple"),
    "string": ("string", "str", "char"),
    "integer": ("integer", "int", "long"),
    "number": ("number", "float", "double"),
    "boolean": ("boolean", "bool"),
    "null": ("null",),
}
_TYPE_OF = {spelling: name for name, spellings in _TYPES.items() for spelling in spellings}


def json_type(name: Any) -> str | None:
    """What JSON Schema calls a type of Python, Java or JavaScript; None when unknown."""
    return _TYPE_OF.get(name.lower()) if isinstance(name, str) else None


def is_keyword(name: str) -> bool:
    """Whether *name* means something in a schema, in this draft or an older one."""
    return name in _KEYWORDS


def unreadable(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The keywords of a schema whose values the draft forbids, e.g. a broken pattern.

    Looks at *node* itself, not at the schemas inside it; ``type`` and ``required`` are
    not looked at. Fast: valid inner schemas and free text have one stand-in each, so few
    distinct outlines meet the slow metaschema, and each meets it once.
    """
    return _unreadable(orjson.dumps(_outline(node), option=orjson.OPT_SORT_KEYS))


def _outline(node: Mapping[str, Any]) -> dict[str, Any]:
    outline: dict[str, Any] = {}
    for key, value in node.items():
        if key in _PLAIN:
            outline[key] = _outline_of_plain(key, value)
        elif key == "patternProperties" and isinstance(value, dict):
            outline[key] = dict.fromkeys(value, True)
        elif key in MAPS:
            outline[key] = {} if isinstance(value, dict) else None
        elif key in LISTS:
            outline[key] = [True] if value and isinstance(value, list) else None
        elif key in SINGLE:
            outline[key] = True if _can_be_schema(value) else None
    return outline


def _outline_of_plain(key: str, value: Any) -> Any:
    if key in ("enum", "examples") and isinstance(value, list):
        return []
    if key in _TEXTS and isinstance(value, str):
        return ""
    return value


def _can_be_schema(value: Any) -> bool:
    return isinstance(value, dict | bool) or json_type(value) is not None


@lru_cache(maxsize=20_000)
def _unreadable(outline: bytes) -> tuple[str, ...]:
    errors = _metaschema().iter_errors(orjson.loads(outline))
    return tuple(dict.fromkeys(error.absolute_path[0] for error in errors))


@cache
def _metaschema() -> Any:
    # Imported when first needed: slow, and not for a command that only prints help.
    from jsonschema import Draft202012Validator as Draft

    return Draft(Draft.META_SCHEMA, format_checker=Draft.FORMAT_CHECKER)
