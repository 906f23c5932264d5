"""The scripted completer and validator answer what the project's prompts ask."""

from __future__ import annotations

import random
from typing import Any

import orjson

from simkit.agents import PROMPTS as AGENTS
from simkit.agents.gate import REPLY as CHAIN_VERDICT
from simkit.graph.completion import PROMPTS as COMPLETION
from simkit.graph.completion.reply import REPLY as COMPLETIONS
from simkit.graph.validation import PROMPTS as VALIDATION
from simkit.graph.validation.validator import REPLY as SCORES
from simkit.standin.brain import ScriptedBrain
from simkit.traces.arguments import schema_problem
from simkit.traces.calls import ReplySchema
from simkit.traces.prompts import PromptSet


def asked(task: str, schema: ReplySchema) -> Any:
    """What the brain says to *task*; it must fit *schema*."""
    form = {"name": schema.name, "schema": schema.schema}
    body = {
        "messages": [{"role": "user", "content": task}],
        "response_format": {"type": "json_schema", "json_schema": form},
    }
    said = orjson.loads(ScriptedBrain().reply(body, random.Random(1)).content or "")
    assert schema_problem(schema.schema, said) is None
    return said


def test_the_completer_says_what_is_missing_and_no_more() -> None:
    missing = {"description": False, "inputs": ["city"], "outputs": "all"}
    inputs = {"city": {"required": True}, "day": {"type": "string", "required": False}}
    shown = {"name": "get_weather", "description": "Get it.", "inputs": inputs, "missing": missing}
    task = PromptSet(COMPLETION).render("completer_task", functions=[shown])
    (answer,) = asked(task, COMPLETIONS)["functions"]
    assert (answer["name"], answer["description"]) == ("get_weather", "")
    assert [field["name"] for field in answer["inputs"]] == ["city"]
    assert [field["name"] for field in answer["outputs"]] == ["weather_id", "weather"]


def test_the_validator_scores_by_the_words_that_both_ends_share() -> None:
    def target(name: str, taker: str) -> dict[str, Any]:
        feed = {"output": "order_id", "output_is": "", "input": taker, "input_is": ""}
        return {"target": {"name": name, "description": ""}, "feeds": [feed]}

    edges = [target("pay_order", "order_id"), target("tell_joke", "topic")]
    question = {
        "source": {"name": "find_order", "description": ""},
        "edges": [{"number": at, **edge} for at, edge in enumerate(edges, start=1)],
    }
    task = PromptSet(VALIDATION).render("validator_task", question=question)
    good, bad = asked(task, SCORES)["edges"]
    assert (good["carries_over"], good["plausible_path"]) == (9, 9)
    assert (bad["carries_over"], bad["plausible_path"]) == (0, 0)


def test_a_chain_that_leaves_its_world_is_ruled_out() -> None:
    chain = [{"name": name, "description": ""} for name in ("find_order", "pay_order")]
    prompts = PromptSet(AGENTS)
    whole = prompts.render("chain_gate_task", chain=chain)
    spliced = prompts.render(
        "chain_gate_task", chain=[*chain, {"name": "tell_joke", "description": ""}]
    )
    assert asked(whole, CHAIN_VERDICT)["verdict"] == 1
    assert asked(spliced, CHAIN_VERDICT)["verdict"] == 0
