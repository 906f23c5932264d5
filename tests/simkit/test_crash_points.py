"""A process that stops at any commit, with what is in the air lost, goes on as if it had not.

Run as a program, this file is that process: it stops itself before or after its n-th commit.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

STOPPED = 77
Stop = tuple[str, int]
"""When: "before" or "after" the commit of this number, from 1."""


def stopping_connection(stop: Stop) -> type[sqlite3.Connection]:
    """Connections that end the process at a commit of the database of a run."""
    commits = 0

    class Stopping(sqlite3.Connection):
        def __init__(self, database: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(database, *args, **kwargs)
            self._counts = Path(os.fspath(database)).name == "run.db"

        def __enter__(self) -> Stopping:
            super().__enter__()
            return self

        def __exit__(self, *exc_info: Any) -> Any:
            nonlocal commits
            commits += self._counts
            if self._counts and stop == ("before", commits):
                os._exit(STOPPED)
            swallowed = super().__exit__(*exc_info)
            if self._counts and stop == ("after", commits):
                os._exit(STOPPED)
            return swallowed

    return Stopping


def play(base_url: str, out: Path, stop: Stop | None = None) -> None:
    """Play one conversation into *out*, or go on with it."""
    import anyio

    from simkit.bus import Bus
    from simkit.config_file import load_config
    from simkit.log import configure_log
    from simkit.run import run

    configure_log(secrets=(), warnings=None)
    if stop is not None:
        sqlite3.connect = partial(sqlite3.connect, factory=stopping_connection(stop))  # type: ignore[assignment]
    options = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "provider.base_url": base_url,
        "walk.min_length": 2,
        "walk.max_length": 3,
        "run.conversations": 1,
    }
    anyio.run(run, load_config(None, options), out, Bus())


def in_a_process(play_it: Callable[[], None]) -> int:
    """Run *play_it* in a copy of this process, which has imported all that it takes."""
    child = os.fork()
    if child == 0:
        try:
            play_it()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stop_everywhere(base_url: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Stop at each commit until there is none left to stop at, and go on each time."""
    play(base_url, folder / "whole")
    gc.collect()
    gc.freeze()  # copies of this process need not look through what is here
    for commit in range(1, 1000):
        point = folder / f"before-{commit}"
        if in_a_process(partial(play, base_url, point, ("before", commit))) != STOPPED:
            break
        yield gone_on(base_url, point)
    # All others are, to the disk, what is before the next commit. How many there are differs
    # a little from one time to the next: what is handed in together is committed together.
    for number in range(commit - 1, 0, -1):
        last = folder / f"after-{number}"
        if in_a_process(partial(play, base_url, last, ("after", number))) == STOPPED:
            yield gone_on(base_url, last)
            return


def gone_on(base_url: str, point: Path) -> dict[str, Any]:
    return {"out": str(point), "then": in_a_process(partial(play, base_url, point))}


@contextmanager
def provider_process() -> Iterator[str]:
    command = [sys.executable, "-m", "simkit", "provider", "--latency", "0", "--end-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def exported(directory: Path) -> list[bytes]:
    from simkit.traces.exports import export
    from simkit.traces.run_reader import RunReader

    made = []
    with RunReader(directory / "run.db") as reader:
        for name in ("toolmind", "openai"):
            report = export(reader, name, directory / f"{name}.jsonl")  # type: ignore[arg-type]
            made += [report.path.read_bytes(), report.manifest_path.read_bytes()]
    return made


def test_a_conversation_that_is_stopped_at_any_commit_ends_like_one_that_never_was(
    tmp_path: Path,
) -> None:
    with provider_process() as base_url:
        command = [sys.executable, __file__, base_url, str(tmp_path)]
        stopped = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    points = [json.loads(line) for line in stopped.stdout.splitlines()]
    whole = exported(tmp_path / "whole")
    assert whole[0]
    assert len(points) > 20
    for point in points:
        assert point["then"] == 0, point
        assert exported(Path(point["out"])) == whole, point


if __name__ == "__main__":
    for point_ in stop_everywhere(sys.argv[1], Path(sys.argv[2])):
        sys.stdout.write(f"{json.dumps(point_)}\n")
        sys.stdout.flush()  # or each copy of the process writes it again
