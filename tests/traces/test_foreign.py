"""Files of conversations from elsewhere, and our own exports read back."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkit.foreign_tools import read_tools
from simkit.traces.exports import export
from simkit.traces.foreign import (
    Conversation,
    ForeignFileError,
    ForeignFormat,
    RejectedRow,
    format_of,
    open_foreign,
)
from simkit.traces.formats import openai_messages, sharegpt, toolmind
from simkit.traces.records import Message, ToolCall, Trajectory, TurnVerdict, Verdict
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

TALK = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
ALL_PASS = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=True), TurnVerdict(index=3, ok=True))
)
MIXED = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=False), TurnVerdict(index=3, ok=True))
)


def read(path: Path, form: ForeignFormat | None = None) -> list[Conversation | RejectedRow]:
    with open_foreign(path, form, read_tools) as file:
        return list(file)


def read_all(path: Path, form: ForeignFormat | None = None) -> list[Conversation]:
    rows = read(path, form)
    assert all(isinstance(row, Conversation) for row in rows), rows
    return [row for row in rows if isinstance(row, Conversation)]


def test_an_openai_export_read_and_exported_again_has_the_same_bytes(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    plain, odd = (
        a_trajectory(4),
        a_trajectory(
            9,
            messages=(
                Message(role="user", content="\u0000 and \u2028 and 😀"),
                Message(
                    role="assistant",
                    content="One moment.",
                    tool_calls=(
                        ToolCall(id="a", name="get_temperature", arguments='{"city": "Os'),
                        ToolCall(id="b", name="nobody", arguments=""),
                    ),
                ),
                Message(role="tool", content="", tool_call_id="b"),
                Message(role="assistant", content="", reasoning=""),
            ),
        ),
    )
    lines = [row for t in (plain, odd) for row in openai_messages.rows(t, MIXED)]
    path = tmp_path / "openai.jsonl"
    path.write_bytes(b"\n".join(lines))
    found = read_all(path)
    assert [line for row in found for line in _exported(row)] == lines
    # The export keeps of a function only what it offers; the rest is as it was.
    assert [row.trajectory.provenance for row in found] == [plain.provenance, odd.provenance]
    assert [row.trajectory.messages for row in found] == [plain.messages, odd.messages]


async def test_from_an_openai_export_through_a_store_to_an_export_nothing_is_lost(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    before = tmp_path / "before.jsonl"
    before.write_bytes(
        b"".join(
            line + b"\n"
            for number in (2, 5)
            for line in openai_messages.rows(a_trajectory(number), MIXED)
        )
    )
    after = await _through_a_store(read_all(before), tmp_path)
    assert after.read_bytes() == before.read_bytes()


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NAME = _TEXT.filter(bool)
_CALL = st.builds(ToolCall, id=_NAME, name=_NAME, arguments=_TEXT)
_MESSAGE = st.one_of(
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=_TEXT),
    st.builds(Message, role=st.just("tool"), content=_TEXT, tool_call_id=_NAME),
    st.builds(
        Message,
        role=st.just("assistant"),
        content=_TEXT,
        reasoning=st.none() | _TEXT,
        tool_calls=st.lists(_CALL, max_size=3).map(tuple),
    ),
)
_LAST = Message(role="assistant", content="Done.")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(conversations=st.lists(st.lists(_MESSAGE, max_size=6), min_size=1, max_size=4))
def test_whatever_is_said_comes_through_a_store_as_it_was(
    a_trajectory: Callable[..., Trajectory], conversations: list[list[Message]]
) -> None:
    with TemporaryDirectory() as folder:
        before = Path(folder) / "before.jsonl"
        with before.open("wb") as file:
            for number, messages in enumerate(conversations):
                trajectory = a_trajectory(number, messages=(*messages, _LAST))
                file.writelines(line + b"\n" for line in _marked(trajectory))
        after = anyio.run(_through_a_store, read_all(before), Path(folder))
        assert after.read_bytes() == before.read_bytes()


def _marked(trajectory: Trajectory) -> Iterator[bytes]:
    """*trajectory* as an export, with every second message to train on if the model wrote it."""
    turns = tuple(
        TurnVerdict(index=index, ok=index % 2 == 0)
        for index, message in enumerate(trajectory.messages)
        if message.role == "assistant"
    )
    return openai_messages.rows(trajectory, Verdict(outcome="kept", turns=turns))


async def _through_a_store(rows: list[Conversation], folder: Path) -> Path:
    async with Store.open(folder / "run.db") as store:
        for row in rows:
            assert row.stated is not None
            await store.save_trajectory(row.trajectory, seconds=0.0)
            await store.save_verdict(row.trajectory.scenario.number, row.stated)
    with RunReader(folder / "run.db") as reader:
        return export(reader, "openai", folder / "after.jsonl").path


def _exported(row: Conversation) -> list[bytes]:
    assert row.stated is not None
    return list(openai_messages.rows(row.trajectory, row.stated))


def test_messages_of_foreign_rows_come_out_as_they_went_in(tmp_path: Path) -> None:
    row = {
        "id": "abc",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "x",
                        "type": "function",
                        "function": {"name": "f.g", "arguments": '{"n": 18446744073709551615}'},
                    }
                ],
                "weight": 0,
            },
            {"role": "tool", "tool_call_id": "x", "content": "1"},
            {"role": "assistant", "content": "Done.", "reasoning_content": "Hm.", "weight": 1},
        ],
    }
    path = tmp_path / "rows.jsonl"
    path.write_bytes(orjson.dumps(row))
    (found,) = read_all(path)
    (line,) = _exported(found)
    exported = orjson.loads(line)
    assert (exported["id"], exported["messages"]) == ("abc", row["messages"])


@pytest.mark.parametrize(
    ("form", "write", "verdict"),
    [("sharegpt", sharegpt.rows, ALL_PASS), ("toolmind", toolmind.rows, MIXED)],
)
def test_other_exports_of_ours_are_read_back(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    form: ForeignFormat,
    write: Callable[[Trajectory, Verdict], Any],
    verdict: Verdict,
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(write(a_trajectory(), verdict)))
    (found,) = read_all(path)
    assert format_of(orjson.loads(path.read_bytes())) == form
    messages = found.trajectory.messages
    assert [m.role for m in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[3] == a_trajectory().messages[3]
    assert messages[1].tool_calls[0].parsed_arguments() == {"city": "Oslo"}
    assert messages[2].tool_call_id == messages[1].tool_calls[0].id
    assert found.trajectory.scenario.tools[0].name == "get_temperature"
    assert found.stated is None


@pytest.mark.parametrize("packed", [False, True])
def test_lines_and_arrays_are_read_plain_and_gzipped(tmp_path: Path, packed: bool) -> None:
    rows = [TALK | {"id": 7}, TALK]
    for name, text in (
        ("a.jsonl", b"\n".join(map(orjson.dumps, rows))),
        ("a.json", orjson.dumps(rows, option=orjson.OPT_INDENT_2)),
    ):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if packed else text)
        found = read_all(path)
        assert [row.id for row in found] == [7, "a-1"]
        assert [row.trajectory.id for row in found] == ["7", "a-1"]
        assert [row.trajectory.scenario.number for row in found] == [0, 1]
        assert found[0].trajectory.provenance.sources == {name: ()}
        assert found[0].trajectory.provenance.notice is not None


def test_each_damaged_row_is_rejected_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    good = orjson.dumps(TALK)
    many = orjson.dumps({"messages": [{"role": "user", "content": ""}] * 1_000_000})
    bad = {
        b'{"messages": [': "not valid JSON",
        b'{"messages": "\xff"}': "not UTF-8",
        b'{"messages": "\x00"}': "NUL byte",
        b'{"messages": ' + b"[" * 500 + b"]" * 500 + b"}": "nested too deeply",
        b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}": "nested too deeply",
        good[:-1] + b', "n": 123456789012345678901234567890}': "64 bits",
        many: "1,000,000 messages",
        b"[]": "not a JSON object",
        b"3": "not a JSON object",
        b'{"messages": [{"role": "narrator"}]}': "role 'narrator'",
        good[:-1] + b', "tools": 3}': "no list",
        good[:-1] + b', "tools": "{"}': 'has "tools" whose text is not valid JSON',
        good[:-1] + b', "tools": [3]}': r"tools\[0\]",
        good[:-1] + b', "tools": [{"name": "f", "parameters": "x"}]}': r"tools\[0\]",
    }
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(line for text in bad for line in (good, text)))
    rows = read(path)
    assert [row.position for row in rows] == [f"line {n}" for n in range(1, 2 * len(bad) + 1)]
    assert all(isinstance(row, Conversation) for row in rows[::2])
    for row, reason in zip(rows[1::2], bad.values(), strict=True):
        assert isinstance(row, RejectedRow)
        assert pytest.raises(ValueError, match=reason).matches(ValueError(row.reason)), row.reason


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            b"id,messages\n1,Hi\n",
            "is not a file of JSON objects: it begins with 'id,messages 1,Hi'",
        ),
        (b"\xef\xbb\xbfid;text\n", "is not a file of JSON objects: it begins with 'id;text'"),
        (b"PAR1\x00\x15\x04\x1b[2J" * 99, "is not a file of JSON objects: it begins with 'PAR1"),
        (b"3\n" * 5000, "is not a file of JSON objects: it begins with '3 3 "),
        (orjson.dumps(TALK, option=orjson.OPT_INDENT_2), "spread over several lines"),
        (orjson.dumps(TALK).decode().encode("utf-16"), "is UTF-16 text"),
    ],
)
@pytest.mark.parametrize("form", ["openai", None])
def test_a_file_in_which_nothing_is_a_row_is_told_as_a_whole(
    tmp_path: Path, text: bytes, complaint: str, form: ForeignFormat | None
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text)
    with pytest.raises(ForeignFileError) as raised:
        read(path, form)
    assert complaint in str(raised.value)
    assert str(path) in str(raised.value)


def test_lines_that_are_no_json_do_not_hide_the_rows_after_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"# a title\n" * 500 + orjson.dumps(TALK))
    rows = read(path)
    assert isinstance(rows[-1], Conversation)
    assert [row.position for row in rows] == [f"line {n}" for n in range(1, 502)]


def test_a_file_of_one_row_that_is_cut_off_is_rejected_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"messages": [')
    (row,) = read(path)
    assert isinstance(row, RejectedRow)
    assert (row.position, "not valid JSON" in row.reason) == ("line 1", True)


_ROWS: dict[ForeignFormat, dict[str, Any]] = {
    "openai": TALK,
    "tau": {"traj": TALK["messages"]},
    "toolmind": {"conversations": TALK["messages"], "tools": []},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]
    },
}


@pytest.mark.parametrize("form", _ROWS)
@pytest.mark.parametrize("told", [True, False])
def test_in_every_format_what_cannot_be_kept_is_rejected_with_its_place(
    tmp_path: Path, form: ForeignFormat, told: bool
) -> None:
    row = _ROWS[form]
    good = orjson.dumps(row)
    key = next(iter(row))
    bad = {
        orjson.dumps({**row, key: row[key] * 6000}): "has 12,000 messages",
        good[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}": "nested too deeply",
        good.replace(b"Ho", b"\x00"): "NUL byte (byte",
        good.replace(b"Ho", b"\\ud800"): "surrogate in string at character",
        good.replace(b"Ho", b"\xff"): "not UTF-8 text (byte",
        good.replace(b"Ho", b"\xed\xa0\x80"): "not UTF-8 text (byte",
        good[:-1] + b',"x":1e400}': "infinity",
        good[:-1] + b',"x":%d}' % 2**70: "more than 64 bits",
    }
    lines = [good, *bad, good]
    for name, text in (
        ("a.jsonl", b"\xef\xbb\xbf" + b"\r\n".join(lines)),
        ("a.json", b"[" + b",\r\n".join(lines) + b"]"),
    ):
        path = tmp_path / name
        path.write_bytes(text)
        first, *middle, last = read(path, form if told else None)
        assert isinstance(first, Conversation)
        assert isinstance(last, Conversation)
        assert last.position == (f"line {len(lines)}" if name == "a.jsonl" else f"[{len(bad) + 1}]")
        assert first.trajectory.messages == last.trajectory.messages
        for found, reason in zip(middle, bad.values(), strict=True):
            assert isinstance(found, RejectedRow)
            assert reason in found.reason


def test_two_different_tools_of_one_name_are_refused_and_equal_ones_are_one() -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    assert len(read_tools([tool, {"type": "function", "function": tool}])) == 1
    with pytest.raises(ValueError, match="two different tools of the name 'f'"):
        read_tools([tool, tool | {"description": "Another."}])


@pytest.mark.parametrize(
    ("row", "form"),
    [
        (TALK, "openai"),
        (TALK | {"task_id": 1, "reward": 0.0}, "tau"),
        ({"traj": []}, "tau"),
        ({"conversations": [{"from": "human"}]}, "sharegpt"),
        ({"conversations": [{"role": "user"}]}, "toolmind"),
        ({"conversations": [{"role": "user", "from": "human"}]}, None),
        ({"conversations": []}, None),
        ({"text": "Hi"}, None),
    ],
)
def test_a_format_is_told_by_keys_that_only_it_has(
    row: dict[str, Any], form: ForeignFormat | None
) -> None:
    assert format_of(row) == form


def test_a_first_row_that_tells_no_format_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('nonsense\n{"text": "Hi"}\n')
    with pytest.raises(ForeignFileError, match=r"line 2 does not tell which format"):
        read(path)


@pytest.mark.parametrize("is_array", [False, True])
def test_rows_before_the_end_of_cut_off_gzip_data_are_read_and_the_break_is_named(
    tmp_path: Path, is_array: bool
) -> None:
    chance = random.Random(5)
    rows = [TALK | {"id": f"{number} {chance.randbytes(400).hex()}"} for number in range(2000)]
    text = orjson.dumps(rows) if is_array else b"\n".join(map(orjson.dumps, rows))
    packed = gzip.compress(text)
    path = tmp_path / "rows.json.gz"
    path.write_bytes(packed[: len(packed) // 2])

    *whole, broken = read(path)
    assert 900 < len(whole) < 1100
    assert [row.id for row in whole if isinstance(row, Conversation)] == [
        row["id"] for row in rows[: len(whole)]
    ]
    assert isinstance(broken, RejectedRow)
    assert broken.position == (f"[{len(whole)}]" if is_array else f"line {len(whole) + 1}")
    assert broken.reason.startswith("is where gzip data is cut off or damaged")


def test_gzip_data_without_a_first_byte_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(orjson.dumps(TALK) * 100)[:12])
    with pytest.raises(ForeignFileError, match=r"rows\.jsonl\.gz is cut off or damaged"):
        read(path, "openai")


def test_damaged_metadata_of_ours_is_refused(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    (line,) = openai_messages.rows(a_trajectory(), MIXED)
    for key, value in (("seed", "x"), ("chain", 3), ("models", 3)):
        row = orjson.loads(line)
        row["metadata"] = orjson.dumps(orjson.loads(row["metadata"]) | {key: value}).decode()
        path = tmp_path / "rows.jsonl"
        path.write_bytes(orjson.dumps(row))
        (found,) = read(path)
        assert isinstance(found, RejectedRow)
        assert "has metadata of simkit that is damaged" in found.reason


@pytest.mark.parametrize(
    ("name", "form", "rows"),
    [
        ("tau_airline/trajectories.jsonl.gz", "tau", 200),
        ("tau_airline/trajectories.jsonl.gz", "openai", 200),
        ("glaive_sharegpt/glaive_toolcall_en_demo.jsonl.gz", "sharegpt", 300),
        ("glaive_sharegpt/reason_tool_use_demo_50.jsonl.gz", "openai", 50),
    ],
)
def test_every_row_of_real_files_is_read(
    shared_data: Path, name: str, form: ForeignFormat, rows: int
) -> None:
    found = read_all(shared_data / name, form)
    assert len(found) == rows
    roles = Counter(m.role for row in found for m in row.trajectory.messages)
    assert roles["tool"] > 0
    unlinked = [m for row in found for m in row.trajectory.messages if m.role == "tool"]
    assert all(m.tool_call_id is not None for m in unlinked)


def test_messages_of_real_openai_rows_come_out_as_they_went_in(shared_data: Path) -> None:
    path = shared_data / "tau_airline" / "trajectories.jsonl.gz"
    with gzip.open(path) as file:
        originals = [orjson.loads(line)["messages"] for line in file]
    for row, messages in zip(read_all(path, "openai"), originals, strict=True):
        (line,) = openai_messages.rows(row.trajectory, Verdict(outcome="kept"))
        assert [_told(m) for m in orjson.loads(line)["messages"]] == [_told(m) for m in messages]


def _told(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what is ours (a weight) or repeats its call (a function's name)."""
    return {key: value for key, value in message.items() if key not in ("weight", "name")}
