"""Exports: exact shapes, scenario order, the same bytes for the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from simkit.traces.exports import ExportFormat, ExportReport, export
from simkit.traces.records import Message, ToolCall, Trajectory, TurnVerdict, Verdict
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

ALL_PASS = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=True), TurnVerdict(index=3, ok=True))
)
LAST_PASSES = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=False), TurnVerdict(index=3, ok=True))
)


async def a_run(path: Path, *judged: tuple[Trajectory, Verdict | None]) -> Path:
    async with Store.open(path) as store:
        for trajectory, verdict in judged:
            await store.save_trajectory(trajectory, seconds=1.0)
            if verdict is not None:
                await store.save_verdict(trajectory.scenario.number, verdict)
    return path


def exported(
    database: Path, form: ExportFormat, out: Path
) -> tuple[list[dict[str, Any]], ExportReport]:
    with RunReader(database) as reader:
        report = export(reader, form, out)
    return [orjson.loads(line) for line in report.path.read_bytes().splitlines()], report


def with_call(trajectory: Trajectory, arguments: str) -> Trajectory:
    """The same conversation, with other arguments in its first call."""
    call = ToolCall(id="call_1", name="get_temperature", arguments=arguments)
    messages = list(trajectory.messages)
    messages[1] = replace(messages[1], tool_calls=(call,))
    return replace(trajectory, messages=tuple(messages))


async def test_toolmind_rows_have_exactly_the_published_shape(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    database = await a_run(tmp_path / "run.db", (a_trajectory(), ALL_PASS))
    rows, report = exported(database, "toolmind", tmp_path / "toolmind.jsonl")
    tool = a_trajectory().scenario.tools[0].as_tool()
    call = {"function": {"name": "get_temperature", "arguments": {"city": "Oslo"}}}
    question = {"role": "user", "content": "How warm is it in Oslo?"}
    assert rows == [
        {
            "conversations": [
                question,
                {
                    "role": "assistant",
                    "content": "<think>\nI must look it up.\n</think>",
                    "tool_calls": [call],
                },
            ],
            "tools": [tool],
        },
        {
            "conversations": [
                question,
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "content": '{"celsius":21.5}'},
                {
                    "role": "assistant",
                    "content": "<think>\nGot it.\n</think>\n\nIt is 21.5 degrees in Oslo.",
                },
            ],
            "tools": [tool],
        },
    ]
    assert (report.rows, report.trajectories) == (2, 1)


async def test_a_masked_turn_is_context_but_never_an_anchor(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    database = await a_run(tmp_path / "run.db", (a_trajectory(), LAST_PASSES))
    rows, _ = exported(database, "toolmind", tmp_path / "t.jsonl")
    assert [len(row["conversations"]) for row in rows] == [4]
    assert rows[0]["conversations"][1]["tool_calls"]

    (row,), _ = exported(database, "openai", tmp_path / "o.jsonl")
    weights = {index: m["weight"] for index, m in enumerate(row["messages"]) if "weight" in m}
    assert weights == {1: 0, 3: 1}


async def test_only_the_last_toolmind_message_thinks_even_without_a_thought(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    silent = a_trajectory(
        messages=tuple(replace(message, reasoning=None) for message in a_trajectory().messages)
    )
    database = await a_run(tmp_path / "run.db", (silent, ALL_PASS))
    rows, _ = exported(database, "toolmind", tmp_path / "t.jsonl")
    assert [row["conversations"][-1]["content"] for row in rows] == [
        "<think>\n\n</think>",
        "<think>\n\n</think>\n\nIt is 21.5 degrees in Oslo.",
    ]
    for row in rows:
        assert not any("<think>" in message["content"] for message in row["conversations"][:-1])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", b'"arguments":{}'),
        ('{"city": "Os', rb'"arguments":"{\"city\": \"Os"'),
        ('["Oslo"]', rb'"arguments":"[\"Oslo\"]"'),
        ('{\n"id": 12345678901234567890123\r\n}', b'"id": 12345678901234567890123'),
        ('{"a":"b\u2028c"}', '{"a":"b\u2028c"}'.encode()),
    ],
)
async def test_toolmind_arguments_are_the_object_or_else_the_text_that_the_model_wrote(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    written: str,
    expected: bytes,
) -> None:
    database = await a_run(tmp_path / "run.db", (with_call(a_trajectory(), written), LAST_PASSES))
    rows, report = exported(database, "toolmind", tmp_path / "t.jsonl")
    assert len(rows) == 1
    assert expected in report.path.read_bytes()


async def test_openai_rows_are_chat_completions_with_weights_and_where_they_come_from(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    database = await a_run(tmp_path / "run.db", (a_trajectory(4), ALL_PASS))
    (row,), _ = exported(database, "openai", tmp_path / "openai.jsonl")
    told = orjson.loads(row.pop("metadata"))
    assert row == {
        "id": "7-4",
        "messages": [
            {"role": "user", "content": "How warm is it in Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_temperature", "arguments": '{"city":"Oslo"}'},
                    }
                ],
                "reasoning_content": "I must look it up.",
                "weight": 1,
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius":21.5}'},
            {
                "role": "assistant",
                "content": "It is 21.5 degrees in Oslo.",
                "reasoning_content": "Got it.",
                "weight": 1,
            },
        ],
        "tools": [a_trajectory().scenario.tools[0].as_tool()],
    }
    assert told == {
        "scenario": 4,
        "seed": 7,
        "chain": ["get_temperature"],
        "run_seed": 7,
        "models": {"assistant": "m"},
        "answered_by": {"assistant": ["m-2026"]},
        "prompts": {"assistant": "0" * 16},
        "sources": {"test": ["Apache-2.0"]},
        "notice": None,
        "simkit": "0.1.0",
    }


@pytest.mark.parametrize("form", ["toolmind", "openai"])
async def test_an_export_has_the_same_bytes_whatever_the_order_of_saving(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory], form: ExportFormat
) -> None:
    async def bytes_after(name: str, order: Sequence[int]) -> tuple[bytes, bytes]:
        judged = [(a_trajectory(number), ALL_PASS) for number in order]
        database = await a_run(tmp_path / f"{name}.db", *judged)
        _, report = exported(database, form, tmp_path / name / "data.jsonl")
        return report.path.read_bytes(), report.manifest_path.read_bytes()

    forwards = await bytes_after("forwards", range(5))
    assert forwards == await bytes_after("backwards", range(4, -1, -1))
    assert forwards[0].count(b"\n") == (10 if form == "toolmind" else 5)


async def test_openai_rows_are_in_scenario_order(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    judged = [(a_trajectory(number), ALL_PASS) for number in (10, 2, 1)]
    database = await a_run(tmp_path / "run.db", *judged)
    rows, _ = exported(database, "openai", tmp_path / "o.jsonl")
    assert [orjson.loads(row["metadata"])["scenario"] for row in rows] == [1, 2, 10]


async def test_only_kept_trajectories_are_exported(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    database = await a_run(
        tmp_path / "run.db",
        (a_trajectory(0), Verdict(outcome="dropped")),
        (a_trajectory(1, ended="failed", cause="x", error="y"), Verdict(outcome="failed")),
        (a_trajectory(2), None),
    )
    rows, report = exported(database, "openai", tmp_path / "o.jsonl")
    assert rows == []
    assert (report.rows, report.trajectories) == (0, 0)


async def test_the_manifest_says_what_the_file_is_made_of(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    first, second = a_trajectory(0), a_trajectory(1)
    noticed = replace(
        second.provenance,
        sources={"bfcl": (), "test": ("MIT",)},
        notice="Scripted stand-in: not for training.",
    )
    second = replace(second, provenance=noticed)
    database = await a_run(tmp_path / "run.db", (first, ALL_PASS), (second, LAST_PASSES))
    (tmp_path / "exports").mkdir()
    _, report = exported(database, "toolmind", tmp_path / "exports")
    assert report.path == tmp_path / "exports" / "toolmind.jsonl"
    assert report.manifest_path == tmp_path / "exports" / "toolmind.manifest.json"
    digest = hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert report.sha256 == digest
    assert orjson.loads(report.manifest_path.read_bytes()) == {
        "format": "toolmind",
        "rows": 3,
        "trajectories": 2,
        "sha256": digest,
        "simkit": ["0.1.0"],
        "run_seed": [7],
        "models": {"assistant": ["m"]},
        "answered_by": {"assistant": ["m-2026"]},
        "prompts": {"assistant": ["0" * 16]},
        "sources": {"bfcl": [], "test": ["Apache-2.0", "MIT"]},
        "notices": ["Scripted stand-in: not for training."],
    }


async def test_an_export_that_fails_leaves_the_earlier_one_as_it_was(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    little_disk: Callable[[int], AbstractContextManager[None]],
) -> None:
    long = a_trajectory(
        messages=(
            Message(role="user", content="x" * 100_000),
            Message(role="assistant", content="Too long."),
        )
    )
    verdict = Verdict(outcome="kept", turns=(TurnVerdict(index=1, ok=True),))
    database = await a_run(tmp_path / "run.db", (long, verdict))
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "openai.jsonl").write_text("the earlier one")
    with (
        RunReader(database) as reader,
        little_disk(50_000),
        pytest.raises(OSError, match="too large"),
    ):
        export(reader, "openai", folder)
    assert [path.name for path in folder.iterdir()] == ["openai.jsonl"]
    assert (folder / "openai.jsonl").read_text() == "the earlier one"
