"""Exports in Parquet, with one set of columns whatever the functions are.

Needs pyarrow, which only this module uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from simkit.traces.exports_lines import HashedFile
from simkit.traces.formats import openai_messages
from simkit.traces.records import Message, Trajectory, Verdict
from simkit.traces.whole_file import written_whole

_ROWS_IN_GROUP = 256
_BYTES_IN_GROUP = 8 * 1024 * 1024


class ParquetUnavailable(Exception):
    """Parquet cannot be written; the message says how to mend it."""


def check_parquet() -> None:
    """Make sure that Parquet can be written, before anything is read or made.

    Raises:
        ParquetUnavailable: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ParquetUnavailable(
            "parquet needs pyarrow, which is not installed: pip install 'simkit[parquet]', or "
            "take another format"
        )


class ParquetRows:
    """A row for each conversation, written in groups; memory holds one group."""

    def __init__(self, file: HashedFile) -> None:
        pyarrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
        self.file = file
        self._schema = _schema(pyarrow)
        self._table = pyarrow.Table
        sink = pyarrow.PythonFile(file, mode="w")
        self._writer = parquet.ParquetWriter(sink, self._schema, compression="zstd")
        self._group: list[dict[str, Any]] = []
        self._bytes = 0

    def write(self, trajectory: Trajectory, verdict: Verdict) -> int:
        """Take the row of a kept trajectory; gives the number of rows, 1."""
        row = _row(trajectory, verdict)
        self._group.append(row)
        self._bytes += len(row["tools"]) + sum(len(m.wire) for m in trajectory.messages)
        if len(self._group) >= _ROWS_IN_GROUP or self._bytes >= _BYTES_IN_GROUP:
            self._write_group()
        return 1

    def finish(self) -> None:
        """Write what is left, and the end of the file."""
        if self._group:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._group, schema=self._schema))
        self._group.clear()
        self._bytes = 0


@contextmanager
def parquet_rows(path: Path) -> Iterator[ParquetRows]:
    """Rows that become the file *path* when the block ends well; see `written_whole`."""
    with written_whole(path) as file:
        hashed = HashedFile(file)
        try:
            rows = ParquetRows(hashed)
            yield rows
            rows.finish()
        except BaseException:
            hashed.give_up()
            raise


def _schema(pyarrow: Any) -> Any:
    text = pyarrow.string()
    function = pyarrow.struct({"name": text, "arguments": text})
    call = pyarrow.struct({"id": text, "type": text, "function": function})
    message = pyarrow.struct(
        {
            "role": text,
            "content": text,
            "reasoning_content": text,
            "tool_calls": pyarrow.list_(call),
            "tool_call_id": text,
            "weight": pyarrow.int8(),
        }
    )
    return pyarrow.schema(
        {
            "id": text,
            "messages": pyarrow.list_(message),
            "tools": text,
            "kind": text,
            "chain": pyarrow.list_(text),
            "metadata": text,
        }
    )


def _row(trajectory: Trajectory, verdict: Verdict) -> dict[str, Any]:
    trained = {turn.index for turn in verdict.turns if turn.ok}
    scenario = trajectory.scenario
    tools = [orjson.Fragment(function.tool_json) for function in scenario.tools]
    return {
        "id": trajectory.id,
        "messages": [
            _message(message, trained=index in trained)
            for index, message in enumerate(trajectory.messages)
        ],
        "tools": orjson.dumps(tools).decode(),
        "kind": scenario.kind,
        "chain": scenario.chain,
        "metadata": orjson.dumps(openai_messages.metadata(trajectory)).decode(),
    }


def _message(message: Message, *, trained: bool) -> dict[str, Any]:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls
    ]
    return {
        "role": message.role,
        "content": message.content,
        "reasoning_content": message.reasoning,
        "tool_calls": calls or None,
        "tool_call_id": message.tool_call_id,
        "weight": int(trained) if message.role == "assistant" else None,
    }
