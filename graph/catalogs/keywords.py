"""Keywords of JSON Schema, draft 2020-12: which hold schemas, and which values they allow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import orjson

from simkit.graph.catalogs.type_words import type_word

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
    return isinstance(value, dict | bool) or (
        isinstance(value, str) and type_word(value) is not None
    )


@lru_cache(maxsize=20_000)
def _unreadable(outline: bytes) -> tuple[str, ...]:
    errors = _metaschema().iter_errors(orjson.loads(outline))
    return tuple(dict.fromkeys(error.absolute_path[0] for error in errors))


@cache
def _metaschema() -> Any:
    # Imported when first needed: slow, and not for a command that only prints help.
    from jsonschema import Draft202012Validator as Draft

    return Draft(Draft.META_SCHEMA, format_checker=Draft.FORMAT_CHECKER)
