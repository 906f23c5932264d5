"""Edges as a model is asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simkit.graph.parameters import inputs_of, outputs_of
from simkit.traces.functions import Function

MOST_EDGES = 12
"""In one request; all leave the same function."""
MOST_FEEDS = 4
"""Of an edge that the model is shown, the strongest ones."""
_SAID = 400
"""Characters of a description that the model is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeQuestion:
    """An edge, there or proposed: can *source* feed *target*?"""

    source: Function
    target: Function
    feeds: tuple[tuple[str, str], ...]
    """Output path and input name, strongest first; the path is empty for the whole result."""
    is_candidate: bool = False
    """Whether the graph does not have the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeScores:
    """The two aspects that the paper's validator scores (arXiv 2511.15718, appendix), 0 to 9."""

    carries_over: int
    """Whether the value of the output is what the input asks for."""
    plausible_path: int
    """Whether a person would come by both functions on the way to one aim."""


Group = tuple[EdgeQuestion, ...]


def groups(questions: Sequence[EdgeQuestion]) -> Iterator[Group]:
    """*questions* in order, cut where the source changes and every `MOST_EDGES`.

    Edges and candidates stay apart: what is asked about the edges of a graph, and so what is
    recorded of it, does not depend on the candidates.
    """
    group: list[EdgeQuestion] = []
    for question in questions:
        if group and (_differ(question, group[0]) or len(group) == MOST_EDGES):
            yield tuple(group)
            group = []
        group.append(question)
    if group:
        yield tuple(group)


def _differ(one: EdgeQuestion, other: EdgeQuestion) -> bool:
    return one.source is not other.source or one.is_candidate != other.is_candidate


def shown(group: Group) -> dict[str, Any]:
    """The source, and the edges numbered from 1, each with its target."""
    source = group[0].source
    outputs = {parameter.path: parameter.text for parameter in outputs_of([source])}
    return {
        "source": {"name": source.name, "description": source.description[:_SAID]},
        "edges": [
            {
                "number": number,
                "target": {
                    "name": question.target.name,
                    "description": question.target.description[:_SAID],
                },
                "feeds": list(_feeds(question, outputs)),
            }
            for number, question in enumerate(group, start=1)
        ],
    }


def _feeds(question: EdgeQuestion, outputs: Mapping[str, str]) -> Iterator[dict[str, str]]:
    inputs = {parameter.path: parameter.text for parameter in inputs_of([question.target])}
    for output, taker in question.feeds[:MOST_FEEDS]:
        yield {
            "output": output or "the whole result",
            "output_is": outputs.get(output, "")[:_SAID],
            "input": taker,
            "input_is": inputs.get(taker, "")[:_SAID],
        }
