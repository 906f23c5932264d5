"""What is kept of the functions of a graph saves time, and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from simkit.graph.catalog import demo_catalog
from simkit.graph.edge_rules import PapersRule
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.prepared import Prepared
from simkit.graph.prepared_folder import PreparedFolder
from simkit.traces.functions import Function

SPLIT = 60


class Counting(Lexical):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed(texts)


class Renamed(Lexical):
    name = "lexical-2"


class Wider(Counting):
    """Another model that goes by the same name."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().embed(texts)
        return np.pad(vectors, ((0, 0), (0, 8)))


@pytest.fixture(scope="module")
def functions() -> tuple[Function, ...]:
    return demo_catalog().functions[:90]


@pytest.fixture
def folder(tmp_path: Path) -> PreparedFolder:
    return PreparedFolder(tmp_path / "prepared", worth_keeping=1)


def content(graph: FunctionGraph, tmp_path: Path) -> bytes:
    graph.save(tmp_path / "saved.graph")
    return (tmp_path / "saved.graph").read_bytes()


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "prepared").iterdir())


def test_a_graph_is_the_same_with_what_was_kept_and_without(
    functions: tuple[Function, ...], folder: PreparedFolder, tmp_path: Path
) -> None:
    begun = FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    assert content(begun, tmp_path) == content(
        FunctionGraph.build(functions[:SPLIT], Lexical()), tmp_path
    )
    plain = content(begun.extended(functions[SPLIT:], Lexical()), tmp_path)
    for _ in range(2):  # the second time all is known
        grown = begun.extended(functions[SPLIT:], Lexical(), folder=folder)
        assert content(grown, tmp_path) == plain
    again = FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    assert content(again, tmp_path) == content(begun, tmp_path)


def test_functions_added_one_after_another_leave_what_all_at_once_leave(
    functions: tuple[Function, ...], folder: PreparedFolder, tmp_path: Path
) -> None:
    graph = FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    graph = graph.extended(functions[SPLIT : SPLIT + 9], Lexical(), folder=folder)
    graph.extended(functions[SPLIT + 9 :], Lexical(), folder=folder)
    stepwise = {path.name: path.read_bytes() for path in files(tmp_path)}
    for path in files(tmp_path):
        path.unlink()
    FunctionGraph.build(functions, Lexical(), folder=folder)
    (at_once,) = files(tmp_path)
    assert stepwise[at_once.name] == at_once.read_bytes()


def test_only_what_is_new_is_embedded(
    functions: tuple[Function, ...], folder: PreparedFolder
) -> None:
    first, then = Counting(), Counting()
    graph = FunctionGraph.build(functions[:SPLIT], first, folder=folder)
    graph.extended(functions[SPLIT:], then, folder=folder)
    assert 0 < len(then.texts) < len(first.texts)
    said = {one.text for one in (*outputs_of(functions[:SPLIT]), *inputs_of(functions[:SPLIT]))}
    assert said.isdisjoint(then.texts)


def emptied(content: bytes) -> bytes:
    return b""


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_at_the_end(content: bytes) -> bytes:
    return content[:-1]


def flipped(content: bytes) -> bytes:
    at = len(content) * 3 // 4
    return content[:at] + bytes([content[at] ^ 8]) + content[at + 1 :]


def another(content: bytes) -> bytes:
    return b"no arrays at all " * 100


def of_another_shape(content: bytes) -> bytes:
    return content.replace(b"'shape': (", b"'shape': (9", 1)


@pytest.mark.parametrize(
    "damage", [emptied, cut, cut_at_the_end, flipped, another, of_another_shape]
)
def test_what_is_damaged_is_worked_out_again(
    functions: tuple[Function, ...],
    folder: PreparedFolder,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    begun = FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with capture_logs() as logs:
        grown = begun.extended(functions[SPLIT:], Lexical(), folder=folder)
    assert [one["event"] for one in logs] == ["prepared_functions_unusable"]
    plain = begun.extended(functions[SPLIT:], Lexical())
    assert content(grown, tmp_path) == content(plain, tmp_path)


def test_it_is_kept_for_these_functions_in_this_order_and_this_embedder(
    functions: tuple[Function, ...], folder: PreparedFolder
) -> None:
    FunctionGraph.build(functions, Lexical(), folder=folder)
    changed = (replace(functions[0], description="Something else."), *functions[1:])
    assert folder.read(functions, Lexical()) is not None
    assert folder.read(functions[::-1], Lexical()) is None
    assert folder.read(functions[1:], Lexical()) is None
    assert folder.read(changed, Lexical()) is None
    assert folder.read(functions, Renamed()) is None


def test_another_model_by_the_same_name_embeds_everything(
    functions: tuple[Function, ...], folder: PreparedFolder, tmp_path: Path
) -> None:
    begun = FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    grown = begun.extended(functions[SPLIT:], Wider(), folder=folder)
    assert content(grown, tmp_path) == content(begun.extended(functions[SPLIT:], Wider()), tmp_path)


def test_the_oldest_files_go_when_there_are_too_many(
    functions: tuple[Function, ...], tmp_path: Path
) -> None:
    folder = PreparedFolder(tmp_path / "prepared", worth_keeping=1, most_files=2)
    for last in (10, 20, 30):
        Prepared(functions[:last], Lexical(), folder=folder).evidence  # noqa: B018  # leaves a file
        for path in files(tmp_path):  # as if an hour had passed
            earlier = path.stat().st_mtime - 3_600
            os.utime(path, (earlier, earlier))
        assert len(files(tmp_path)) <= 2
        assert folder.read(functions[:10], Lexical()) is not None  # which also counts as use
    assert folder.read(functions[:20], Lexical()) is None
    assert folder.read(functions[:30], Lexical()) is not None


def test_the_oldest_files_go_when_they_are_too_large_together(
    functions: tuple[Function, ...], tmp_path: Path
) -> None:
    folder = PreparedFolder(tmp_path / "prepared", worth_keeping=1, most_bytes=1)
    for last in (10, 20):
        FunctionGraph.build(functions[:last], Lexical(), folder=folder)
        assert len(files(tmp_path)) == 1
    assert folder.read(functions[:20], Lexical()) is not None


def test_small_catalogs_are_not_worth_a_file(
    functions: tuple[Function, ...], tmp_path: Path
) -> None:
    FunctionGraph.build(functions, Lexical(), folder=PreparedFolder(tmp_path / "prepared"))
    assert not (tmp_path / "prepared").exists()


def test_a_folder_that_cannot_be_written_is_done_without(
    functions: tuple[Function, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = PreparedFolder(tmp_path / "file" / "prepared", worth_keeping=1)
    with capture_logs() as logs:
        graph = FunctionGraph.build(functions, Lexical(), folder=folder)
    assert {one["event"] for one in logs} == {
        "prepared_functions_unusable",
        "prepared_functions_not_kept",
    }
    assert content(graph, tmp_path) == content(FunctionGraph.build(functions, Lexical()), tmp_path)


def test_what_cannot_be_written_down_is_done_without(
    functions: tuple[Function, ...], folder: PreparedFolder, tmp_path: Path
) -> None:
    odd = replace(functions[0], description="Half a pair: \ud800.")
    with capture_logs() as logs:
        graph = FunctionGraph.build((odd, *functions[1:]), Lexical(), folder=folder)
    assert len(graph.targets) > 0
    assert {one["log_level"] for one in logs} == {"warning"}
    assert files(tmp_path) == []


def test_parameters_are_the_same_whether_known_or_not(
    functions: tuple[Function, ...], folder: PreparedFolder
) -> None:
    FunctionGraph.build(functions[:SPLIT], Lexical(), folder=folder)
    prepared = Prepared(functions, Lexical(), folder=folder, first_new=SPLIT)
    assert list(prepared.outputs) == outputs_of(functions)
    assert list(prepared.inputs) == inputs_of(functions)
    assert prepared.inputs[-1] == inputs_of(functions)[-1]
    with pytest.raises(IndexError):
        prepared.inputs[len(prepared.inputs)]


def test_the_papers_rule_needs_nothing_of_it(
    functions: tuple[Function, ...], folder: PreparedFolder, tmp_path: Path
) -> None:
    plain = FunctionGraph.build(functions, Lexical(), rule=PapersRule())
    FunctionGraph.build(functions, Lexical(), folder=folder)
    graph = FunctionGraph.build(functions, Lexical(), rule=PapersRule(), folder=folder)
    assert content(graph, tmp_path) == content(plain, tmp_path)
