"""Every export is loaded by the loader that most trainers begin with: Hugging Face's datasets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from simkit.traces.exports import export, export_name
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario, ToolCall, Trajectory, TurnVerdict, Verdict
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

FORMATS = ("toolmind", "openai", "sharegpt", "hermes", "preference", "parquet")

ALL_PASS = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=True), TurnVerdict(index=3, ok=True))
)
MENDED = (0, 1, 2, 3)
"""Conversations that begin with a mistake; both sides have one, and one without."""

# One process for all of them: importing the loader takes longer than all else here.
LOAD = """
import json, sys
from datasets import load_dataset
folder, cache, *names = sys.argv[1:]
found = {}
for name in names:
    path = f"{folder}/{name}"
    if name == "parquet":
        loaded = load_dataset(path, cache_dir=cache)
    else:
        sides = {side: f"{path}.{side}.jsonl" for side in ("train", "test")}
        loaded = load_dataset("json", data_files=sides, cache_dir=cache)
    found[name] = {side: list(rows) for side, rows in loaded.items()}
json.dump(found, sys.stdout)
"""


def failing(trajectory: Trajectory) -> tuple[Trajectory, Verdict]:
    """*trajectory* with a mistake in front of its call."""
    wrong = ToolCall(id="call_0", name="get_temperature", arguments='{"town":["Oslo"]}')
    error = '{"error":{"type":"invalid_arguments","message":"no city"}}'
    first, *rest = trajectory.messages
    mistake = (
        Message(role="assistant", tool_calls=(wrong,)),
        Message(role="tool", content=error, tool_call_id="call_0"),
    )
    turns = tuple(TurnVerdict(index=index, ok=index > 1) for index in (1, 3, 5))
    return (
        replace(trajectory, messages=(first, *mistake, *rest)),
        Verdict(outcome="kept", turns=turns),
    )


def unlike(build: Callable[..., Function], number: int) -> Function:
    """A function whose schema does not fit into one column type with those of other numbers."""
    kinds: list[dict[str, Any]] = [
        {"type": "string", "default": "Oslo"},
        {"type": ["integer", "null"], "default": 3},
        {"type": "array", "items": {"type": "number"}, "default": [1.5]},
        {"type": "object", "properties": {"x": {"enum": [1, "a", None]}}},
    ]
    properties = {"city": kinds[number % 4], f"p{number}": {"const": number}}
    return build(parameters={"type": "object", "properties": properties})


@pytest.fixture
async def loaded(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Format to split to the rows that the loader finds, of eight conversations, half mended."""
    if find_spec("datasets") is None or find_spec("pyarrow") is None:
        pytest.skip("needs datasets and pyarrow")
    async with Store.open(tmp_path / "run.db") as store:
        for number in range(8):
            scenario = replace(
                a_scenario(number, unlike(a_function, number)),
                chain=("get_temperature", f"{number}"),
            )
            trajectory, verdict = a_trajectory(number, scenario=scenario), ALL_PASS
            if number in MENDED:
                trajectory, verdict = failing(trajectory)
            await store.save_trajectory(trajectory, seconds=1.0)
            await store.save_verdict(number, verdict)
    with RunReader(tmp_path / "run.db") as reader:
        for form in FORMATS:
            export(reader, form, tmp_path / export_name(form), test_share=0.5)  # type: ignore[arg-type]
    environment = os.environ | {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    environment |= {"HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", LOAD, str(tmp_path), str(tmp_path / "cache"), *FORMATS]
    done = await anyio.run_process(command, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, dict[str, list[dict[str, Any]]]] = orjson.loads(done.stdout)
    return found


async def test_every_format_is_loaded_with_its_splits_and_as_it_was_written(
    loaded: dict[str, dict[str, list[dict[str, Any]]]], tmp_path: Path
) -> None:
    rows = {"toolmind": 16, "openai": 8, "sharegpt": 4, "hermes": 8, "preference": 4, "parquet": 8}
    for name in FORMATS:
        sides = loaded[name]
        assert sum(map(len, sides.values())) == rows[name], name
        if name == "parquet":
            continue
        for side, found in sides.items():
            written = (tmp_path / f"{name}.{side}.jsonl").read_bytes().splitlines()
            assert found == [orjson.loads(line) for line in written], name
    (called,) = loaded["parquet"]["train"][0]["messages"][-3]["tool_calls"]
    assert orjson.loads(called["function"]["arguments"]) == {"city": "Oslo"}
