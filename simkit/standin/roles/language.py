"""The small language that the scripted user and assistant talk in.

Plain enough for a person to read, regular enough to be understood by rule: goals are
sentences on a line of their own, values stand on a line that starts with ``Details:``, and
whatever else is said begins in a way that tells what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

DETAILS = "Details: "
COULD_YOU = "Could you tell me: "
DONT_KNOW = "I don't know: "
I_WANT = "I want to "
AND_ALSO = ", and also to "
NOT_ABLE = "I am not able to do this: "
HAND_OVER = "A colleague of mine can help you with that; I am handing you over."
CHANGED = "Actually, I changed my mind about the "
BY_THE_WAY = "By the way, "
IT_MATTERS = "One thing matters to me: "
COMING_BACK = "Coming back to something from before: "

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPLIT = re.compile(r"[^a-zA-Z0-9]+")
_IDENTIFIER = re.compile(r"\b[a-zA-Z0-9]+_\w+|\b[a-z]+[A-Z]\w*")
_TOLD = re.compile(r"([a-z0-9][a-z0-9 ]*): (\S.*)")
_ASKED_AGAIN = re.compile(r"(?:what was|is) the ([a-z0-9 ]+?) (?:again|really .*)\?")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can d for from get given i id in into is it its like of on or "
        "please return returns that the this to using want which with you your one",
    )
)
_IRREGULAR = {"has": "have", "does": "do", "goes": "go", "is": "be", "undoes": "undo"}
_DECODER = json.JSONDecoder()


def words(name: str) -> str:
    """An identifier as everyday words: ``departureDate`` becomes ``departure date``."""
    return " ".join(_SPLIT.sub(" ", _CAMEL.sub(" ", name)).lower().split())


def result_labels(name: str) -> tuple[str, ...]:
    """What the value of a result's field may be called: ``best_flight_id`` is a flight id."""
    label = words(name)
    first, _, rest = label.partition(" ")
    return (label, rest) if first in ("best", "new") and rest else (label,)


def item_label(label: str) -> str | None:
    """What one entry of a list may be called: of ``song ids``, ``song id``."""
    return label[:-1] if label.endswith("s") and not label.endswith("ss") else None


def content_words(text: str) -> frozenset[str]:
    """The words of *text* that carry meaning, roughly without their endings."""
    return frozenset(word.rstrip("s") for word in words(text).split() if word not in _STOP_WORDS)


def phrase(function: Mapping[str, Any]) -> str:
    """What a person would say they want, for one function definition."""
    name = words(str(function.get("name", "")))
    sentence = _first_sentence(str(function.get("description") or ""))
    if not sentence:
        return name
    if len(content_words(name) - content_words(sentence)) > len(content_words(name)) // 2:
        sentence = f"{sentence} ({name})"
    verb, _, rest = sentence.partition(" ")
    return f"{_infinitive(verb)} {rest}".rstrip()


def _infinitive(verb: str) -> str:
    """The first word of a description as a request has it: ``Lists`` becomes ``list``."""
    if verb.isupper():
        return verb
    if verb.lower() in _IRREGULAR:
        return _IRREGULAR[verb.lower()]
    word = verb[0].lower() + verb[1:]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _first_sentence(text: str, limit: int = 200) -> str:
    line = " ".join(text.replace("#", " ").split())
    line = _IDENTIFIER.sub(lambda found: words(found[0]), line)  # as people would say it
    sentence = re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0].rstrip(".!?: ")
    return sentence if len(sentence) <= limit else sentence[:limit].rsplit(" ", 1)[0]


def say_value(value: object) -> str:
    """A value as the user knows it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def say_details(facts: Iterable[tuple[str, str]]) -> str:
    """One line that states each fact, to be read back by `hear_details`."""
    return DETAILS + "; ".join(f"{name} = {_quoted(value)}" for name, value in facts)


def _quoted(value: str) -> str:
    plain = value and value == value.strip() and not re.search(r"[;\n\"\[\]{}]", value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def hear_details(line: str) -> dict[str, str]:
    """The facts of a line made by `say_details`; what cannot be read is left out."""
    facts: dict[str, str] = {}
    rest = line.removeprefix(DETAILS)
    while " = " in rest:
        name, rest = rest.split(" = ", 1)
        if rest.startswith('"'):
            try:
                value, end = _DECODER.raw_decode(rest)
            except json.JSONDecodeError:
                break
            rest = rest[end:]
        else:
            value = rest.split("; ", 1)[0]
            rest = rest[len(value) :]
        facts[words(name)] = str(value)
        rest = rest.removeprefix("; ")
    return facts


def ask_for(names: Iterable[str]) -> str:
    """The assistant's question for values."""
    return f"{COULD_YOU}{'; '.join(names)}?"


def asked_for(text: str) -> list[str]:
    """The values that a text made with `ask_for` asks for."""
    if COULD_YOU not in text:
        return []
    return [words(name) for name in text.split(COULD_YOU, 1)[1].split("?", 1)[0].split(";")]


def say_results(source: str, values: Iterable[tuple[str, str]]) -> str:
    """The assistant's line about what a function gave, to be read back by `hear_results`."""
    found = "; ".join(f"{label}: {value}" for label, value in values)
    return f"{source.capitalize()} gave {found or 'no further data'}."


def hear_results(text: str) -> dict[str, str]:
    """Label to value of what *text* told with `say_results`; what was cut short is left out."""
    heard: dict[str, str] = {}
    for line in text.splitlines():
        _, gave, values = line.partition(" gave ")
        for part in values.removesuffix(".").split("; ") if gave else ():
            told = _TOLD.fullmatch(part)
            if told is not None and not told[2].endswith("…"):
                heard[told[1]] = told[2]
    return heard


def ask_again(label: str, doubted: str | None = None) -> str:
    """The user's question about what they were told before; with *doubted*, whether it is so."""
    question = (
        f"what was the {label} again" if doubted is None else f"is the {label} really {doubted}"
    )
    return f"{COMING_BACK}{question}?"


def asked_again(line: str) -> str | None:
    """The label that a line made with `ask_again` asks about; None for any other line."""
    found = _ASKED_AGAIN.fullmatch(line.removeprefix(COMING_BACK))
    return found[1] if line.startswith(COMING_BACK) and found is not None else None


def read_value(text: str, schema: Mapping[str, Any]) -> Any:
    """*text* as the type that *schema* asks for; the text itself where that fails."""
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not wanted or "string" in wanted:
        enum = schema.get("enum")
        if not (isinstance(enum, list) and text not in enum):
            return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in *text*; empty for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
