"""Overlap with benchmark files of any shape, and files that are of no use."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simkit.filters.benchmark_file import BenchmarkError, ngrams, read_benchmark
from simkit.filters.decontaminate import BENCHMARK_OVERLAP, BenchmarkOverlap
from simkit.filters.plain_words import plain_words
from simkit.traces.records import Message, Trajectory

ATrajectory = Callable[..., Trajectory]
TASK = (
    'Please book the "cheapest" flight from Z\u00fcrich to Oslo on the 3rd of May,\n'
    "for two adults and a child, with seats at the window."
)
SAID = (
    "Hello! book the cheapest flight from ZÜRICH to Oslo on the 3rd of May for two adults, thanks"
)
SHARED = "book the cheapest flight from zürich to oslo on the 3rd of may for two adults"


def as_json(path: Path) -> Path:
    path.write_text(json.dumps({"tasks": [[{"id": 1, "q": {"text": TASK}}]]}, indent=1))
    return path


def as_jsonl(path: Path) -> Path:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("Hi.", TASK)]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return path


def as_gzip(path: Path) -> Path:
    path.write_bytes(gzip.compress(as_jsonl(path).read_bytes()))
    return path


def as_csv(path: Path) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "question"], [1, TASK]])
    return path


def as_text(path: Path) -> Path:
    path.write_text(f"\ufeff1. {TASK}\n2. Nothing else.\n")
    return path


def objections(trajectory: Trajectory, *files: Path) -> list[str]:
    found = list(BenchmarkOverlap([read_benchmark(file) for file in files]).check(trajectory))
    assert all(one.check == BENCHMARK_OVERLAP and one.turn is None for one in found)
    return [one.message for one in found]


@pytest.mark.parametrize("write", [as_json, as_jsonl, as_gzip, as_csv, as_text])
def test_a_user_who_says_what_stands_in_a_benchmark_is_noticed(
    tmp_path: Path, a_trajectory: ATrajectory, write: Callable[[Path], Path]
) -> None:
    said = (Message(role="user", content=SAID), Message(role="assistant", content="Sure."))
    path = write(tmp_path / "bench.data")
    [message] = objections(a_trajectory(0, said), path)
    assert message == f'message 0 has 16 words in a row in common with bench.data: "{SHARED}"'


def test_fewer_words_other_words_and_other_roles_pass(
    tmp_path: Path, a_trajectory: ATrajectory
) -> None:
    twelve = " ".join(plain_words(SAID)[1:13])
    said = (
        Message(role="user", content=twelve),
        Message(role="assistant", content=TASK),
        Message(role="user", content=f"{twelve} in June, {twelve}"),
        Message(role="tool", content=TASK, tool_call_id="1"),
    )
    assert objections(a_trajectory(0, said), as_json(tmp_path / "bench.json")) == []


def test_each_file_and_message_is_told(tmp_path: Path, a_trajectory: ATrajectory) -> None:
    files = [as_json(tmp_path / "one.json"), as_text(tmp_path / "two.txt")]
    said = tuple(Message(role="user", content=text) for text in ("Hi.", SAID, SAID))
    found = objections(a_trajectory(0, said), *files)
    assert [("one.json" in message, message[:9]) for message in found] == [
        (True, "message 1"),
        (False, "message 1"),
        (True, "message 2"),
        (False, "message 2"),
    ]


@pytest.mark.parametrize("form", [json.dumps, "\n\n".join], ids=["JSON", "text"])
def test_a_text_that_is_cut_where_the_file_is_read_in_pieces_is_read_whole(
    tmp_path: Path, form: Callable[[list[str]], str]
) -> None:
    runs, path = ngrams(plain_words(TASK)), tmp_path / "bench"
    for before in range(0, len(TASK) + 40, 11):
        path.write_text(form(["x" * (2**20 - before) + "\n", TASK]))
        assert np.isin(runs, read_benchmark(path).ngrams).all()


def test_nested_json_text_and_what_is_broken_are_read_as_far_as_they_go(
    tmp_path: Path, a_trajectory: ATrajectory
) -> None:
    path = tmp_path / "bench.jsonl"
    lines = ['{"odd": "quote}', '{"half": "\\ud800 a"}', json.dumps({"in": json.dumps([SAID])})]
    path.write_text("\n".join([*lines, '{"cut']))
    assert len(objections(a_trajectory(0, (Message(role="user", content=SAID),)), path)) == 1


def test_where_no_spaces_are_between_words_characters_count(
    tmp_path: Path, a_trajectory: ATrajectory
) -> None:
    path = tmp_path / "bench.txt"
    path.write_text("请帮我预订五月三日从苏黎世到奥斯陆最便宜的航班。")
    said = (Message(role="user", content="你好，请帮我预订五月三日从苏黎世到奥斯陆的航班"),)
    assert len(objections(a_trajectory(0, said), path)) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"", "no text of 13 words"),
        (b'{"q": "too short"}', "no text of 13 words"),
        (b"PAR1\x00\x15", "binary data"),
        (b"caf\xe9 " * 20, "not UTF-8"),
        (gzip.compress(b"word " * 5000)[:-20], "cut off or damaged"),
    ],
    ids=["missing", "empty", "short", "parquet", "latin-1", "cut-off-gzip"],  # gzip holds the time
)
def test_a_file_of_no_use_is_named_with_the_reason(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "bench"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=problem) as refused:
        read_benchmark(path)
    assert str(path) in str(refused.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="Is a directory"):
        read_benchmark(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(BenchmarkError, match="no regular file"):
        read_benchmark(tmp_path / "pipe.jsonl")
