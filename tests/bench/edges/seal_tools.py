"""Gold pairs of Seal-Tools: ``API_call_3`` as an argument is the result of that name.

Each call lists the names of its results, one for each declared response, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.bench.edges.feeding import Feeding, distinct

_RESULT = re.compile(r"API_call_\d+")


def feedings(rows: Iterable[dict[str, Any]], tools: Iterable[dict[str, Any]]) -> list[Feeding]:
    """What feeds what in the calls of *rows*; *tools* tell the names of the responses."""
    responses = {tool["api_name"]: list(tool["responses"]) for tool in tools}
    return distinct([one for row in rows for one in _in_calls(row["calling"], responses)])


def _in_calls(calls: list[dict[str, Any]], responses: Mapping[str, list[str]]) -> Iterator[Feeding]:
    given: dict[str, tuple[str, str]] = {}
    for call in calls:
        for parameter, value in call["parameters"].items():
            for name in _RESULT.findall(str(value)):
                if name in given:
                    yield Feeding(call["api"], parameter, *given[name])
        declared = responses.get(call["api"], [])
        for position, name in enumerate(call["responses"]):
            output = declared[position] if position < len(declared) else ""
            given[name] = (call["api"], output)
