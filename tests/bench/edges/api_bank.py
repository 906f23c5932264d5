"""Gold pairs of API-Bank: a value that a call gave comes back as an argument of a later call.

The dialogues hold executed results. A value counts when it is new with that result: no user
said it and no call was given it before. It is credited to the first call that gave it, and
must not have been said by the user until it is used. Values are compared as text of three
characters or more; truth values never count.

The plans in ``lv3_samples.jsonl`` give no pairs: they hold no results, so that nothing but
the name of a parameter (``token``) would tell where its value comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.bench.edges.feeding import Feeding, distinct

_MIN_CHARACTERS = 3
_SEARCH = "ToolSearcher"
"""Describes other functions, in words that are arguments too; it is in no catalog."""


def feedings(dialogues: Iterable[dict[str, Any]]) -> list[Feeding]:
    """What feeds what in *dialogues*."""
    return distinct([one for dialogue in dialogues for one in _in_dialogue(dialogue["turns"])])


def _in_dialogue(turns: list[dict[str, Any]]) -> Iterator[Feeding]:
    said = ""
    given: set[str] = set()
    origin: dict[str, tuple[str, str]] = {}
    for turn in turns:
        if turn["role"] == "User":
            said += turn["text"].lower() + "\n"
        if turn["role"] != "API" or turn["api_name"] == _SEARCH:
            continue
        for parameter, argument in turn["param_dict"].items():
            for _, text in _texts(argument):
                if text in origin and text not in said:
                    yield Feeding(turn["api_name"], parameter, *origin[text])
                given.add(text)
        for path, text in _texts((turn["result"] or {}).get("output")):
            if text not in given and text not in said:
                origin.setdefault(text, (turn["api_name"], path))


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and lower-case text of every value inside *value* that is long enough to tell."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, f"{path}[]")
    elif not isinstance(value, bool) and len(str(value)) >= _MIN_CHARACTERS:
        yield path, str(value).lower()
