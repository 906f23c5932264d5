"""Pairs of TaskBench's daily-life APIs: its links, taken to feed every parameter of the target.

The links join every ordered pair of two tools, so that whatever is ranked first is right:
practice in reading the format, no measure of anything.
"""

from __future__ import annotations

from typing import Any

from tests.bench.edges.feeding import Feeding, distinct


def feedings(graph: dict[str, Any]) -> list[Feeding]:
    """A pair for each parameter of each link's target."""
    parameters = {
        node["id"]: [parameter["name"] for parameter in node["parameters"]]
        for node in graph["nodes"]
    }
    return distinct(
        [
            Feeding(link["target"], parameter, link["source"])
            for link in graph["links"]
            for parameter in parameters.get(link["target"], [])
        ]
    )
