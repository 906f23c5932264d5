"""Planned scenarios where they are kept, and scenarios from before there were plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from simkit.foreign_tools import read_tools
from simkit.traces.foreign import Conversation, RejectedRow, open_foreign
from simkit.traces.formats import openai_messages
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import Fact, Goal, Trajectory, Verdict
from simkit.traces.rows import function_keys_of, trajectory_row
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

Build = Callable[..., Trajectory]


def a_planned_one(build: Build, a_function: Callable[..., Function], number: int) -> Trajectory:
    plain = build(number)
    assert plain.intent is not None
    goal = Goal(text="Pay.", known=(Fact(name="amount", value="3", when_asked=True),))
    scenario = replace(
        plain.scenario,
        kind="missing_function",
        chain=("get_temperature", "pay"),
        plan=(
            Step(functions=("get_temperature",)),
            Step(functions=("pay",), needs=(0,), when_asked=("amount",)),
        ),
        withheld=(a_function("pay"),),
    )
    return replace(
        plain, scenario=scenario, intent=replace(plain.intent, goals=(*plain.intent.goals, goal))
    )


async def test_a_planned_trajectory_comes_back_as_it_was_saved(
    tmp_path: Path, a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    saved = [a_trajectory(0), a_planned_one(a_trajectory, a_function, 1)]
    async with Store.open(tmp_path / "run.db") as store:
        for trajectory in saved:
            await store.save_trajectory(trajectory, seconds=1.0)
    with RunReader(tmp_path / "run.db") as reader:
        assert [stored.trajectory for stored in reader.trajectories()] == saved


def test_without_a_plan_a_row_holds_what_it_held_before_there_were_plans(
    a_trajectory: Build,
) -> None:
    """
    Earlier runs are replayed byte for byte.
    """
    stored = orjson.loads(trajectory_row(a_trajectory(), ["key"], 1.0)["body"])
    assert stored["scenario"] == {
        "number": 0,
        "seed": 7,
        "chain": ["get_temperature"],
        "tools": ["key"],
    }
    assert stored["intent"] == {
        "role": "a traveller",
        "style": "brief",
        "goals": [{"text": "Find the temperature", "known": [{"name": "city", "value": "Oslo"}]}],
        "unknown": [],
    }


def test_a_row_names_the_functions_that_are_not_on_offer_apart(
    a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    row = trajectory_row(a_planned_one(a_trajectory, a_function, 1), ["offered", "not"], 1.0)
    scenario = orjson.loads(row["body"])["scenario"]
    assert (scenario["tools"], scenario["withheld"]) == (["offered"], ["not"])
    assert function_keys_of(row["body"]) == ["offered", "not"]


async def test_conversations_are_counted_by_kind(
    tmp_path: Path, a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    talked_of = a_trajectory(2, messages=(a_trajectory().messages[0],))
    message = replace(talked_of.messages[0], content='"kind":"irrelevance"')
    async with Store.open(tmp_path / "run.db") as store:
        for trajectory in (
            a_trajectory(0),
            a_planned_one(a_trajectory, a_function, 1),
            replace(talked_of, messages=(message,)),
            a_planned_one(a_trajectory, a_function, 3),
        ):
            await store.save_trajectory(trajectory, seconds=1.0)
        await store.save_verdict(1, Verdict(outcome="kept"))
        await store.save_verdict(2, Verdict(outcome="dropped"))
    with RunReader(tmp_path / "run.db") as reader:
        counts = reader.counts()
    assert counts.kinds == {"chain": 2, "missing_function": 2}
    assert counts.kept_kinds == {"chain": 0, "missing_function": 1}


def test_an_export_tells_the_plan_only_where_there_is_one(
    a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    verdict = Verdict(outcome="kept")
    ((plain,), (planned,)) = (
        openai_messages.rows(trajectory, verdict)
        for trajectory in (a_trajectory(0), a_planned_one(a_trajectory, a_function, 1))
    )
    assert "plan" not in orjson.loads(orjson.loads(plain)["metadata"])
    told = orjson.loads(orjson.loads(planned)["metadata"])
    assert told["kind"] == "missing_function"
    assert [step["functions"] for step in told["plan"]] == [["get_temperature"], ["pay"]]
    assert [function["name"] for function in told["withheld"]] == ["pay"]


def test_an_exported_plan_is_read_again(
    tmp_path: Path, a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    trajectory = a_planned_one(a_trajectory, a_function, 1)
    (row,) = openai_messages.rows(trajectory, Verdict(outcome="kept"))
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(row + b"\n")
    with open_foreign(path, None, read_tools) as file:
        (read,) = file
    assert isinstance(read, Conversation)
    assert read.trajectory.scenario.plan == trajectory.scenario.plan
    assert read.trajectory.scenario.withheld == trajectory.scenario.withheld
    assert read.trajectory.scenario.kind == "missing_function"
    (again,) = openai_messages.rows(read.trajectory, Verdict(outcome="kept"))
    assert again == row


@pytest.mark.parametrize(
    "damage", [{"plan": [{"functions": 3}]}, {"kind": "other"}, {"withheld": ["pay"]}]
)
def test_a_row_whose_plan_is_damaged_is_rejected(
    tmp_path: Path,
    a_trajectory: Build,
    a_function: Callable[..., Function],
    damage: dict[str, Any],
) -> None:
    (row,) = openai_messages.rows(
        a_planned_one(a_trajectory, a_function, 1), Verdict(outcome="kept")
    )
    told = orjson.loads(row)
    told["metadata"] = orjson.dumps(orjson.loads(told["metadata"]) | damage).decode()
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(orjson.dumps(told) + b"\n")
    with open_foreign(path, None, read_tools) as file:
        (read,) = file
    assert isinstance(read, RejectedRow)
    assert f"damaged: {next(iter(damage))}" in read.reason
