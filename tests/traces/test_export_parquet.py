"""Parquet: one set of columns, rows in groups, and a folder that is only ever a data set's."""

from __future__ import annotations

import gc
import hashlib
import random
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from simkit.traces.exports import export
from simkit.traces.exports_parquet import ParquetUnavailable
from simkit.traces.exports_place import FolderInUse
from simkit.traces.records import Message, Trajectory
from simkit.traces.run_reader import RunReader

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")

KeptRun = Callable[[Iterable[Trajectory]], Awaitable[Path]]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_rows_hold_what_was_said_with_weights_and_where_it_comes_from(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory], a_kept_run: KeptRun
) -> None:
    database = await a_kept_run([a_trajectory(4)])
    with RunReader(database) as reader:
        report = export(reader, "parquet", tmp_path / "set")
    (row,) = parquet.read_table(report.path).to_pylist()
    assert (row["id"], row["kind"], row["chain"]) == ("7-4", "chain", ["get_temperature"])
    assert orjson.loads(row["tools"]) == [a_trajectory().scenario.tools[0].as_tool()]
    assert orjson.loads(row["metadata"])["scenario"] == 4
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    assert [message["weight"] for message in row["messages"]] == [None, 1, None, 1]
    called = row["messages"][1]
    assert called["reasoning_content"] == "I must look it up."
    assert called["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_temperature", "arguments": '{"city":"Oslo"}'},
        }
    ]
    assert row["messages"][2]["tool_call_id"] == "call_1"
    assert report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()


async def test_a_long_run_is_written_in_groups_and_gives_the_same_bytes_again(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory], a_kept_run: KeptRun
) -> None:
    database = await a_kept_run(a_trajectory(number) for number in range(300))
    with RunReader(database) as reader:
        report = export(reader, "parquet", tmp_path / "set")
        first = files(tmp_path / "set")
        export(reader, "parquet", tmp_path / "set")
    assert sorted(first) == ["README.md", "data/train.parquet", "manifest.json"]
    assert files(tmp_path / "set") == first
    found = parquet.ParquetFile(report.path)
    assert (found.metadata.num_rows, found.num_row_groups) == (300, 2)
    assert found.read(columns=["id"])["id"].to_pylist() == [f"7-{at}" for at in range(300)]


async def test_the_card_names_counts_sources_prompts_and_notices(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory], a_kept_run: KeptRun
) -> None:
    noticed = replace(
        a_trajectory().provenance,
        notice="Not for <b>training</b>.",
        sources={"tools|v2\n# x": ("MIT",)},
    )
    database = await a_kept_run([replace(a_trajectory(), provenance=noticed)])
    with RunReader(database) as reader:
        report = export(reader, "parquet", tmp_path / "set", test_share=0.5)
    text = (tmp_path / "set" / "README.md").read_text()
    assert "> Not for &lt;b>training&lt;/b>." in text
    assert r"| tools\|v2 # x | MIT |" in text
    assert "| assistant | 0000000000000000 |" in text
    assert "| kept | 1 | 100.0 % |" in text
    assert "2 assistant messages are trained on." in text
    for file in report.files:
        assert f"| data/{file.path.name} | {file.trajectories} | `{file.sha256}` |" in text
        assert f"path: data/{file.path.name}" in text


async def test_an_export_without_a_split_leaves_no_test_file_of_an_earlier_one(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory], a_kept_run: KeptRun
) -> None:
    database = await a_kept_run([a_trajectory()])
    with RunReader(database) as reader:
        export(reader, "parquet", tmp_path / "set", test_share=0.5)
        assert "data/test.parquet" in files(tmp_path / "set")
        export(reader, "parquet", tmp_path / "set")
    assert "data/test.parquet" not in files(tmp_path / "set")


async def test_a_folder_or_file_of_somebody_else_is_left_alone(
    tmp_path: Path, a_kept_run: KeptRun
) -> None:
    database = await a_kept_run(())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine")
    with RunReader(database) as reader:
        for taken in (tmp_path / "mine", tmp_path / "mine" / "README.md"):
            with pytest.raises(FolderInUse, match="choose a new folder"):
                export(reader, "parquet", taken)
    assert files(tmp_path / "mine") == {"README.md": b"mine"}


async def test_without_pyarrow_it_says_what_to_install_and_makes_nothing(
    tmp_path: Path, a_kept_run: KeptRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await a_kept_run(())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with RunReader(database) as reader:
        with pytest.raises(ParquetUnavailable, match=r"pip install 'simkit\[parquet\]'"):
            export(reader, "parquet", tmp_path / "set")
        export(reader, "hermes", tmp_path / "hermes.jsonl")
    assert not (tmp_path / "set").exists()


async def test_an_export_that_fails_leaves_the_earlier_one_as_it_was(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    a_kept_run: KeptRun,
    little_disk: Callable[[int], AbstractContextManager[None]],
) -> None:
    noise = random.Random(1).randbytes(200_000).hex()  # zstd must not make it small
    talk = (Message(role="user", content=noise), Message(role="assistant", content="Long."))
    database = await a_kept_run([a_trajectory(), a_trajectory(1, messages=talk)])
    with RunReader(database) as reader:
        export(reader, "parquet", tmp_path / "set", test_share=0.5)
        before = files(tmp_path / "set")
        with little_disk(100_000), pytest.raises(OSError, match="too large"):
            export(reader, "parquet", tmp_path / "set", test_share=0.5)
        gc.collect()
    assert files(tmp_path / "set") == before
