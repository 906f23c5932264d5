"""Forks that are interrupted and go on, with real processes."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader

SIMKIT = [sys.executable, "-m", "simkit"]
CONTINUATIONS = 60
KILLS = 3
DEADLINE_SECONDS = 120


@contextmanager
def provider_process() -> Iterator[str]:
    command = [*SIMKIT, "provider", "--latency", "0.1", "--mistakes", "0.05", "--end-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with provider_process() as base_url:
        yield base_url


@pytest.fixture(scope="module")
def parent(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("parent") / "the first"
    command = [*SIMKIT, "generate", "--quiet", "--embedder", "lexical", "-n", "2"]
    command += ["--catalog", str(Path(__file__).parents[2] / "graph" / "samples" / "demo")]
    command += ["--min-length", "3", "--max-length", "4", "--out", str(out)]
    subprocess.run([*command, "--base-url", address, "--model", "standin"], check=True)
    return out


def fork(parent: Path, out: Path) -> list[str]:
    command = [*SIMKIT, "fork", str(parent), "0", "--at", "0", "--out", str(out), "--quiet"]
    command += ["-n", str(CONTINUATIONS), "--concurrency", "32"]
    return [*command, "--user-says", "First line.\nSecond, with 'quotes' & more."]


def answered_by(base_url: str) -> int:
    with urllib.request.urlopen(f"{base_url.removesuffix('/v1')}/stats") as answer:
        return int(json.loads(answer.read())["answered"])


def exported(directory: Path) -> list[bytes]:
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        report = export(reader, "openai", directory / "rows.jsonl")
    return [report.path.read_bytes(), report.manifest_path.read_bytes()]


def is_noted(out: Path) -> bool:
    """Whether the fork in *out* lived long enough to note what it continues."""
    if not RunDirectory.is_run(out):
        return False
    with RunReader(out / "run.db") as reader:
        return "parent" in reader.meta()


def command_that_is_told(out: Path) -> list[str]:
    """What `generate` says to type, given the folder of a fork."""
    refused = subprocess.run(
        [*SIMKIT, "generate", str(out)], check=False, capture_output=True, text=True
    )
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    name, *words = shlex.split(line.partition("go on with: ")[2])
    assert name == "simkit"
    return [*SIMKIT, *words, "--quiet"]


def test_a_fork_that_is_killed_again_and_again_ends_like_one_that_never_was(
    address: str, parent: Path, tmp_path: Path
) -> None:
    """It goes on with the command that `generate` tells, which remembers all the rest."""
    draw, killed = random.Random(1), 0
    before = answered_by(address)
    subprocess.run(fork(parent, tmp_path / "whole"), check=True)
    needed = answered_by(address) - before
    out = tmp_path / "killed"
    command = fork(parent, out)
    while True:
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            wait = draw.uniform(0.9, 1.5) if killed < KILLS else DEADLINE_SECONDS
            process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
            if is_noted(out):
                command = command_that_is_told(out)
            continue
        assert process.returncode == 0
        break
    assert killed > 1
    twice = answered_by(address) - before - 2 * needed
    assert 0 <= twice <= killed * 32 * 2  # those in flight at a kill, a few at a conversation
    assert exported(out) == exported(tmp_path / "whole")
    assert command_that_is_told(out)[3:] == [
        *("fork", str(parent), "0", "--at", "0", "--out", str(out), "--quiet")
    ]


def test_a_parent_that_has_moved_is_told(parent: Path, tmp_path: Path) -> None:
    moved = parent.with_name("gone")
    subprocess.run([*fork(parent, tmp_path / "fork"), "-n", "1"], check=True)
    parent.rename(moved)
    try:
        refused = subprocess.run(
            [*SIMKIT, "generate", str(tmp_path / "fork")],
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        moved.rename(parent)
    assert f"its parent is not in {parent} now" in refused.stderr
