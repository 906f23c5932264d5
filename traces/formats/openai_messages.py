"""Whole conversations in the form of chat completions: ``{"messages", "tools"}``.

Rows that simkit writes have a ``weight`` on each assistant turn, 1 for turns to train on and 0
for context, as OpenAI's fine-tuning files have it; ``reasoning_content`` holds the reasoning,
as many providers and trainers name it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from simkit.traces.formats.chat_messages import read_messages
from simkit.traces.formats.foreign_row import ForeignRow, id_of
from simkit.traces.records import Message, Scenario, Trajectory, Verdict


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object: ``id``, ``messages``, ``tools`` and ``metadata``.

    The metadata are JSON text, as loaders want one type for each column, and the keys in
    them, such as names of catalogs, differ from row to row.
    """
    trained = {turn.index for turn in verdict.turns if turn.ok}
    yield orjson.dumps(
        {
            "id": trajectory.id,
            "messages": [
                _assistant(message, trained=index in trained)
                if message.role == "assistant"
                else orjson.Fragment(message.wire)
                for index, message in enumerate(trajectory.messages)
            ],
            "tools": [
                orjson.Fragment(function.tool_json) for function in trajectory.scenario.tools
            ],
            "metadata": orjson.dumps(metadata(trajectory)).decode(),
        }
    )


def _assistant(message: Message, *, trained: bool) -> dict[str, Any]:
    form: dict[str, Any] = orjson.loads(message.wire)
    if message.reasoning is not None:
        form["reasoning_content"] = message.reasoning
    return form | {"weight": int(trained)}


def metadata(trajectory: Trajectory) -> dict[str, Any]:
    """Where *trajectory* comes from, for JSON; `traces.foreign` reads it back."""
    scenario, provenance = trajectory.scenario, trajectory.provenance
    parent = {} if provenance.parent is None else {"parent": provenance.parent}
    return {
        "scenario": scenario.number,
        "seed": scenario.seed,
        "chain": scenario.chain,
        "run_seed": provenance.run_seed,
        "models": provenance.models,
        "answered_by": provenance.answered_by,
        "prompts": provenance.prompts,
        "sources": provenance.sources,
        "notice": provenance.notice,
        "simkit": provenance.simkit,
        **parent,
        **_planned(scenario),
    }


def _planned(scenario: Scenario) -> dict[str, Any]:
    """What tells how the scenario was planned; nothing where it was not."""
    planned: dict[str, Any] = {}
    if scenario.plan:
        planned |= {"kind": scenario.kind, "plan": scenario.plan, "withheld": scenario.withheld}
    if scenario.persona is not None or scenario.dialogue != "gradual":
        planned |= {"dialogue": scenario.dialogue, "persona": scenario.persona}
    return planned


def read(row: dict[str, Any]) -> ForeignRow:
    """The conversation in *row*, whether simkit wrote it or somebody else.

    Raises:
        UnreadableRow: It is not in this format.
    """
    messages = read_messages(row, "messages")
    return ForeignRow(messages=messages, tools=row.get("tools"), id=id_of(row))
