"""Splits: no chain on both sides, and no conversation that changes sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import orjson
import pytest

from simkit.traces.exports import export
from simkit.traces.exports_split import split_of
from simkit.traces.records import Trajectory
from simkit.traces.run_reader import RunReader

NAMES = [f"function_{at}" for at in range(12)]
CHAINS = list(combinations(NAMES, 3))


def test_order_and_repetition_do_not_change_the_side() -> None:
    for chain in CHAINS:
        side = split_of(chain, 0.3)
        assert split_of(chain[::-1], 0.3) == side
        assert split_of((*chain, chain[0]), 0.3) == side


def test_the_side_of_a_chain_is_the_same_for_ever() -> None:
    # Written down: whoever has trained on one side relies on it in the next release, too.
    assert [split_of((name,), 0.5) for name in NAMES[:6]] == [
        "train",
        "train",
        "test",
        "train",
        "train",
        "test",
    ]


def test_a_larger_share_takes_chains_from_train_and_gives_none_back() -> None:
    tested = [
        {chain for chain in CHAINS if split_of(chain, share) == "test"} for share in (0.1, 0.3, 0.6)
    ]
    assert tested[0] < tested[1] < tested[2]
    for share, found in zip((0.1, 0.3, 0.6), tested, strict=True):
        assert abs(len(found) / len(CHAINS) - share) < 0.1


def chained(trajectory: Trajectory, number: int) -> Trajectory:
    chain = CHAINS[number % 40]
    chain = chain if number < 40 else chain[::-1]
    return replace(trajectory, scenario=replace(trajectory.scenario, chain=chain))


async def test_no_chain_leaks_and_every_row_is_in_one_file(
    tmp_path: Path,
    a_trajectory: Callable[..., Trajectory],
    a_kept_run: Callable[[Iterable[Trajectory]], Awaitable[Path]],
) -> None:
    database = await a_kept_run(chained(a_trajectory(number), number) for number in range(80))
    with RunReader(database) as reader:
        report = export(reader, "openai", tmp_path / "openai.jsonl", test_share=0.3)
        whole = export(reader, "openai", tmp_path / "whole.jsonl")
    train, test = report.files
    assert [file.path.name for file in report.files] == ["openai.train.jsonl", "openai.test.jsonl"]
    lines = [file.path.read_bytes().splitlines() for file in report.files]
    told = [[orjson.loads(orjson.loads(row)["metadata"]) for row in side] for side in lines]
    sets = [{frozenset(one["chain"]) for one in side} for side in told]
    assert sets[0].isdisjoint(sets[1])
    assert min(map(len, lines)) > 0
    assert sorted([*lines[0], *lines[1]]) == sorted(whole.path.read_bytes().splitlines())
    manifest = orjson.loads((tmp_path / "openai.manifest.json").read_bytes())
    assert (manifest["rows"], manifest["trajectories"], manifest["test_share"]) == (80, 80, 0.3)
    assert manifest["files"] == {
        file.path.name: {
            "rows": file.rows,
            "trajectories": file.trajectories,
            "sha256": file.sha256,
        }
        for file in (train, test)
    }
    assert "sha256" not in manifest


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
async def test_a_share_that_is_none_is_refused(
    tmp_path: Path,
    a_kept_run: Callable[[Iterable[Trajectory]], Awaitable[Path]],
    share: float,
) -> None:
    database = await a_kept_run(())
    with RunReader(database) as reader, pytest.raises(ValueError, match="share of the test split"):
        export(reader, "openai", tmp_path / "o.jsonl", test_share=share)
