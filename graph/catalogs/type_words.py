"""What catalogs write where JSON Schema wants a type: ``List[int]``, ``str, optional``, ``date``.

Read are the type expressions of Python, Java, JavaScript and TypeScript, and what people say
in words. Nothing is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_LENGTH = 300
"""Characters; a longer expression is unknown."""

_SPELLINGS = {
    "object": ("object", "dict", "dictionary", "map", "hashmap", "hashtable", "mapping", "struct"),
    "array": ("array", "list", "arraylist", "tuple", "set", "sequence", "iterable", "collection"),
    "string": ("string", "str", "char", "text", "varchar", "enum", "bytes", "binary", "file"),
    "integer": ("integer", "int", "long", "int32", "int64", "bigint", "short"),
    "number": ("number", "float", "double", "decimal", "numeric", "float32", "float64"),
    "boolean": ("boolean", "bool"),
    "null": ("null", "none", "nonetype"),
}
_FORMATS = {
    "date": "date",
    "time": "time",
    "datetime": "date-time",
    "date-time": "date-time",
    "duration": "duration",
    "email": "email",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "url": "uri",
    "uuid": "uuid",
}
_ANYTHING = ("any", "unknown", "mixed", "variant")
_SCHEMA_OF: dict[str, Mapping[str, Any]] = {
    **{name: {"type": kind} for kind, names in _SPELLINGS.items() for name in names},
    **{name: {"type": "string", "format": form} for name, form in _FORMATS.items()},
    **{name: {} for name in _ANYTHING},
}
_LISTS = frozenset((*_SPELLINGS["array"], "frozenset", "deque"))
_WRAPPERS = frozenset(("annotated", "final", "required", "notrequired"))
_ASIDE = re.compile(r"(?:optional|required|default\w*)\b.*", re.IGNORECASE | re.DOTALL)
_NOTE = re.compile(r"(.*\S)\s*\(([^()]*)\)", re.DOTALL)
_LIST_OF = re.compile(r"(?:list|array|set)s? of (.+?)(?: with length \d+)?", re.IGNORECASE)
_GENERIC = re.compile(r"([\w.]+)\s*(?:\[(.*)\]|<(.*)>)", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class TypeWord:
    """What a type expression means."""

    schema: Mapping[str, Any]
    """Not to be changed: it is shared. Empty when anything goes."""
    optional: bool = False
    """The expression says that the value may be left out, or be nothing."""


_NOTHING = TypeWord({"type": "null"})


def json_type(name: Any) -> str | None:
    """The JSON type that one word means, whatever its format; None when it is no such word."""
    schema = _SCHEMA_OF.get(name.lower(), {}) if isinstance(name, str) else {}
    return schema.get("type")


@lru_cache(maxsize=20_000)
def type_word(text: str) -> TypeWord | None:
    """The meaning of a type expression; None when it has none that we know."""
    if len(text) > MAX_LENGTH:
        return None
    plain = _SCHEMA_OF.get(text.lower())
    return TypeWord(plain) if plain is not None else _expression(text.strip())


def either(words: Sequence[TypeWord]) -> TypeWord:
    """A value of any one of *words*; nothing among several means that it is optional."""
    given = [word for word in words if word != _NOTHING] or [_NOTHING]
    optional = len(given) < len(words) or any(word.optional for word in words)
    schemas = [word.schema for word in given]
    if len(schemas) == 1:
        return TypeWord(schemas[0], optional)
    if {} in schemas:
        return TypeWord({}, optional)
    if all(schema.keys() == {"type", "enum"} for schema in schemas):
        return TypeWord(
            _one_of([value for schema in schemas for value in schema["enum"]]), optional
        )
    if all(schema.keys() == {"type"} for schema in schemas):
        kinds = kinds_of(schemas)
        return TypeWord({"type": kinds if len(kinds) > 1 else kinds[0]}, optional)
    return TypeWord({"anyOf": schemas}, optional)


def kinds_of(schemas: Iterable[Mapping[str, Any]]) -> list[str]:
    """The JSON types of schemas, each once, in the order they come."""
    given = (schema["type"] for schema in schemas)
    named = (kind if isinstance(kind, list) else [kind] for kind in given)
    return list(dict.fromkeys(name for names in named for name in names))


def split_outside(text: str, separator: str) -> list[str]:
    """*text* split at each *separator* that stands in no bracket and no quotes, stripped."""
    parts, depth, quote, start, at = [], 0, "", 0, 0
    while at < len(text):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[<({":
            depth += 1
        elif char in "]>)}":
            depth -= 1
        elif depth == 0 and text.startswith(separator, at):
            parts.append(text[start:at].strip())
            at += len(separator) - 1
            start = at + 1
        at += 1
    return [*parts, text[start:].strip()]


def _expression(text: str) -> TypeWord | None:
    parts = split_outside(text, ",")
    named = [*parts[:1], *(part for part in parts[1:] if not _ASIDE.fullmatch(part))]
    aside = any(part.lower().startswith(("optional", "default")) for part in parts[1:])
    alternatives = [
        one
        for part in named
        for half in split_outside(part, "|")
        for one in split_outside(half, " or ")
    ]
    words = [_alternative(one) for one in alternatives]
    known = [word for word in words if word is not None]
    if not known or len(known) < len(words):
        return None
    word = either(known)
    return TypeWord(word.schema, word.optional or aside)


def _alternative(text: str) -> TypeWord | None:
    plain = _SCHEMA_OF.get(text.lower().rpartition(".")[2])
    if plain is not None:
        return TypeWord(plain)
    if quoted := _QUOTED.fullmatch(text):
        return TypeWord(_one_of([quoted[1] if quoted[1] is not None else quoted[2]]))
    if note := _NOTE.fullmatch(text):
        return _or_left_out(type_word(note[1]), "optional" in note[2].lower())
    if text.lower().startswith("optional "):
        return _or_left_out(type_word(text[len("optional ") :]), True)
    if text.endswith("?"):
        return _or_left_out(type_word(text[:-1]), True)
    if text.endswith("[]"):
        return _list_of(type_word(text[:-2]))
    if listed := _LIST_OF.fullmatch(text):
        return _list_of(type_word(listed[1]) or type_word(listed[1].removesuffix("s")))
    if generic := _GENERIC.fullmatch(text):
        return _generic(generic[1].lower().rpartition(".")[2], generic[2] or generic[3] or "")
    return None


def _or_left_out(word: TypeWord | None, optional: bool) -> TypeWord | None:
    return word and TypeWord(word.schema, word.optional or optional)


def _list_of(word: TypeWord | None) -> TypeWord:
    return TypeWord({"type": "array", "items": word.schema if word else {}})


def _generic(name: str, inside: str) -> TypeWord | None:
    parts = split_outside(inside, ",")
    if name == "literal":
        values = [value for part in parts if (value := _literal(part)) is not None]
        return TypeWord(_one_of(values))
    words = [type_word(part) for part in parts]
    if name == "optional":
        return _or_left_out(words[0], True)
    if name == "union":
        known = [word for word in words if word is not None]
        return either(known) if len(known) == len(words) else None
    if name in _WRAPPERS:
        return words[0]
    if name == "tuple":
        return _tuple(parts, words)
    if name in _LISTS:
        return _list_of(words[0])
    if json_type(name) == "object" or name == "record":
        return _map_of(words[-1])
    return None


def _tuple(parts: list[str], words: list[TypeWord | None]) -> TypeWord:
    items = [word.schema if word else {} for word in words]
    if "..." in parts or len(items) == 1:
        return TypeWord({"type": "array", "items": items[0]})
    size = {"minItems": len(items), "maxItems": len(items)}
    if all(item == items[0] for item in items):
        return TypeWord({"type": "array", "items": items[0], **size})
    return TypeWord({"type": "array", "prefixItems": items, "items": False, **size})


def _map_of(word: TypeWord | None) -> TypeWord:
    values = word.schema if word else {}
    return TypeWord({"type": "object"} | ({"additionalProperties": values} if values else {}))


def _literal(text: str) -> str | int | bool | None:
    if quoted := _QUOTED.fullmatch(text):
        return quoted[1] if quoted[1] is not None else quoted[2]
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    return {"true": True, "false": False}.get(text.lower())


def _one_of(values: list[Any]) -> Mapping[str, Any]:
    kinds = {bool: "boolean", int: "integer", str: "string"}
    names = list(dict.fromkeys(kinds[type(value)] for value in values))
    return {"type": names if len(names) != 1 else names[0], "enum": values} if values else {}
