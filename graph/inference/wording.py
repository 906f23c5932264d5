"""The results that a description itself names: ``Returns:`` sections, lists of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from simkit.graph.inference.field_types import type_of_field
from simkit.graph.parameters import name_words

MAX_READ = 4_000
"""Characters of a description that are read."""
MAX_SECTION = 1_500
MAX_FIELDS = 12
"""Fields that one description can name."""
MAX_SAID = 200
"""Characters of what is said about one field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One field that a description names."""

    name: str
    """As it stands there: an identifier, or a few words."""
    schema: dict[str, Any]
    """Its type."""
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a description says about the result."""

    fields: tuple[Said, ...]
    kind: str = ""
    """The JSON type of the result as a whole; empty when nothing tells."""


_SECTION = re.compile(
    r"\b(?:returns?|outputs?|response|return value)(?:[*_ ]{0,3}:|[ \t]*\n[ \t]*-{3,})\**",
    re.IGNORECASE,
)
_SECTION_ENDS = re.compile(
    r"\b(?:args|arguments|caution|errors?|examples?|example use cases|inputs?|notes?|parameters|"
    r"params|raises|see also|usage|use cases|warnings?|yields)[*_ ]{0,3}:"
    r"|\n[ \t]*\n[ \t]*(?=\S[^\n]{60})",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"\b(?:returns|returning|and returns?|will return|"
    r"(?:response|result|output) (?:includes|contains))"
    r"\s+([^\n;]{3,400}?)(?:\.(?=\s|$)|[\n;]|$)",
    re.IGNORECASE,
)
_TRUTH = re.compile(r"\W*(?:true|bool|boolean|whether)\b", re.IGNORECASE)
_KINDS = {
    "array": "array",
    "bool": "boolean",
    "dict": "object",
    "dictionary": "object",
    "float": "number",
    "int": "integer",
    "integer": "integer",
    "list": "array",
    "str": "string",
    "string": "string",
}
_KIND = re.compile(
    r"\W{0,6}([A-Za-z]{3,10})(?:\[[^\]\n]{0,60}\]{1,3})?(?:\s*\|\s*\w{1,12})?\s*[:\n]"
)
_ITEM = re.compile(
    r"^[ \t]*(?P<bullet>[-*\u2022]\s{1,3})?[\"'`*]{0,3}(?P<name>[A-Za-z][\w ]{0,40}?)[\"'`*]{0,3}"
    r"(?:\s{0,3}[\(\[](?P<type>[^()\[\]\n]{1,40})[\)\]])?[\"'`*]{0,3}\s{0,3}(?::|\s-\s)\s{0,3}"
    r"(?P<about>[^\n]{0,300})$",
    re.MULTILINE,
)
_KEY = re.compile(r"[{}\[\]]|\"(\w{1,40})\"\s{0,3}:")
_LISTED = re.compile(
    r"\b(?:including|includes|containing|contains|consisting of|such as|along with|"
    r"with(?= (?:the|its|their)\b))"
    r"\s+([^.;:()\n]{5,300})|\(([^()\n]{5,200})\)",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    r"\b(?:args?|based on|by|criteria|filters?|given|like|options?|parameters?|support(?:s|ing)?|"
    r"using|e\.?g|i\.?e|example|format|format[s:]|optional|types?|must|default)\b",
    re.IGNORECASE,
)
_PHRASE_ENDS = re.compile(
    r"\b(?:about|across|at|based|by|during|for|from|given|if|in|of|on|that|to|when|where|which|with|within)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_EXAMPLES = re.compile(r"\b(?:like|such as|for example|e\.g)\b", re.IGNORECASE)
_ABBREVIATIONS = re.compile(r"\b(ID|URL|URI)s\b")
_SPLIT = re.compile(r",\s*(?:and|or|as well as)?\s*|\s+(?:and|or|as well as|&)\s+", re.IGNORECASE)
_ARTICLES_LIST = """
    a all an any associated basic both comprehensive current detailed details each full its
    key more other related relevant some the their whose
"""
_ARTICLES = frozenset(_ARTICLES_LIST.split())
_NOT_NAMES_LIST = """
    above allows below both but etc false following get if it more none note null or other
    others please so success than this true use used you your
"""
_NOT_NAMES = frozenset(_NOT_NAMES_LIST.split())
_ADJECTIVE = re.compile(
    r"(?:\w+(?:ical|ional|ous|ive|ed|able|ful|ly|ary)|best|old|new|real|current|good)"
)


def wording_of(description: str) -> Wording:
    """What *description* says that the function gives; only its first 4,000 characters count."""
    text = _ABBREVIATIONS.sub(lambda found: found[1].lower() + "s", description[:MAX_READ])
    section = _section(text)
    for part in (section, *_sentences(text)):
        if not part:
            continue
        if _TRUTH.match(part):
            return Wording(fields=(), kind="boolean")
        fields = _items(part) or _keys(part) or _listed(part, directly=True)
        if fields:
            return Wording(fields=fields, kind=_kind(part))
    opening = re.split(r"\.\s|\n", text.strip(), maxsplit=1)[0]
    return Wording(fields=_listed(opening, directly=False), kind=_kind(section))


def _section(text: str) -> str:
    found = _SECTION.search(text)
    if not found:
        return ""
    rest = text[found.end() : found.end() + MAX_SECTION]
    end = _SECTION_ENDS.search(rest)
    return rest[: end.start()] if end else rest


def _sentences(text: str) -> list[str]:
    return [found[1] for found in islice(_SENTENCE.finditer(text), 3)]


def _kind(section: str) -> str:
    found = _KIND.match(section)
    return _KINDS.get(found[1].lower(), "") if found else ""


def _items(section: str) -> tuple[Said, ...]:
    """``- name: what it is`` and ``name (type): what it is``, a line each."""
    fields: list[Said] = []
    first_line = True
    depth: int | None = None
    for found in _ITEM.finditer(section):
        indent = len(found[0]) - len(found[0].lstrip())
        name = found["name"].strip()
        if first_line and (name.lower() in _KINDS or not _is_item(found)):
            first_line = False
            continue
        first_line = False
        if depth is None:
            depth = indent
        if indent > depth or not _is_item(found):
            continue
        fields.append(_said(name, found["about"], found["type"] or ""))
    return tuple(fields[:MAX_FIELDS])


def _is_item(found: re.Match[str]) -> bool:
    words = found["name"].split()
    if not words or words[0].lower() in _NOT_NAMES or found["name"].lower() in _KINDS:
        return False
    return len(words) == 1 or (len(words) <= 4 and found["bullet"] is not None)


def _keys(section: str) -> tuple[Said, ...]:
    """The keys of the outermost object of an example in JSON."""
    depth = 0
    fields: list[Said] = []
    for found in islice(_KEY.finditer(section), 200):
        if found[1] is None:
            depth += 1 if found[0] in "{[" else -1
            if depth < 0 or (depth == 0 and fields):
                break
        elif depth == 1:
            fields.append(_said(found[1], "", ""))
    return tuple(fields[:MAX_FIELDS])


def _listed(sentence: str, *, directly: bool) -> tuple[Said, ...]:
    """``… including name, price and rating``; *directly*, the sentence may itself be the list."""
    for found in _LISTED.finditer(sentence):
        if _ASKED_FOR.search(sentence, 0, found.start()) or _ASKED_FOR.match(found[1] or found[2]):
            continue
        fields = tuple(_phrases(_EXAMPLES.split(found[1] or found[2], maxsplit=1)[0]))
        if len(fields) >= (2 if found[1] else 3):
            return fields[:MAX_FIELDS]
    fields = tuple(_phrases(sentence)) if directly and "," in sentence else ()
    return fields[:MAX_FIELDS] if len(fields) >= 3 else ()


def _phrases(text: str) -> Iterator[Said]:
    for phrase in _SPLIT.split(text):
        words = _PHRASE_ENDS.sub("", phrase).rpartition("'s ")[2].strip("\"'`* ").split()
        while words and words[0].lower() in _ARTICLES:
            words = words[1:]
        if words and len(words) <= 3 and all(_is_word(word) for word in words):
            if len(words) == 1 and _ADJECTIVE.fullmatch(words[0].lower()):
                continue
            yield _said(" ".join(words), phrase, "")


def _is_word(word: str) -> bool:
    return word.lower() not in _NOT_NAMES and bool(re.fullmatch(r"[A-Za-z][\w-]{0,30}", word))


def _said(name: str, about: str, kind: str) -> Said:
    told = _KINDS.get(kind.strip().split(",")[0].lower(), "")
    schema = type_of_field(name_words(name).split())
    if told and told != schema["type"]:
        schema = {"type": told}
    return Said(name=name, schema=schema, description=" ".join(about.split())[:MAX_SAID])
