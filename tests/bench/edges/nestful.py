"""Gold pairs of NESTful: ``$var1.skyId$`` in an argument is output ``skyId`` of call ``var1``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.bench.edges.feeding import Feeding, distinct

# Alone or amid other text ("5 * $var1.Exchange Rate$"); one row forgets the closing sign.
_REFERENCE = re.compile(r"\$(var\d+)(?:\.([^$]+))?(?:\$|\Z)")
_ANSWER = "var_result"
"""Gathers what the user is told; no function."""


def feedings(rows: Iterable[dict[str, Any]]) -> list[Feeding]:
    """What feeds what in the sequences of *rows*."""
    return distinct([one for row in rows for one in _in_sequence(row["output"])])


def _in_sequence(calls: list[dict[str, Any]]) -> Iterator[Feeding]:
    producers = {call["label"]: call["name"] for call in calls if "label" in call}
    for call in calls:
        if call["name"] == _ANSWER:
            continue
        for parameter, value in call["arguments"].items():
            for label, path in _references(value):
                if label in producers:
                    yield Feeding(call["name"], parameter, producers[label], path)


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Label and path of every reference in *value*, however deep."""
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _references(inner)
