"""Disks that fill up or take nothing, and a provider that dies: all is kept, and goes on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simkit.traces.exports import export
from simkit.traces.run_reader import RunReader

DEMO = Path(__file__).parents[2] / "graph" / "samples" / "demo"
DEADLINE_SECONDS = 120


@contextmanager
def provider_process(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "simkit", "provider", "--mistakes", "0.05"]
    with subprocess.Popen(
        [*command, *options, "--end-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def generate(
    base_url: str, out: Path, conversations: int, *, config: Path | None = None
) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "simkit",
        "generate",
        *([] if config is None else [str(config)]),
    ]
    command += ["--quiet", "--embedder", "lexical", "--catalog", str(DEMO), "--model", "standin"]
    command += ["--min-length", "2", "--max-length", "4", "--concurrency", "32"]
    return [*command, "-n", str(conversations), "--base-url", base_url, "--out", str(out)]


def go_on(run: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simkit", "generate", "--quiet", str(run)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_SECONDS)


def exported(run: Path, folder: Path) -> list[bytes]:
    folder.mkdir()
    made = []
    with RunReader(run / "run.db") as reader:
        for name in ("toolmind", "openai"):
            report = export(reader, name, folder / f"{name}.jsonl")  # type: ignore[arg-type]
            made += [report.path.read_bytes(), report.manifest_path.read_bytes()]
    return made


def stored_calls(run: Path) -> int:
    with RunReader(run / "run.db") as reader:
        return reader.counts().calls


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 5 MB; making one takes a system that lets us mount."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=5m", "tmpfs", str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_run_that_fills_the_disk_keeps_everything_and_goes_on_when_it_is_grown(
    small_disk: Path, tmp_path: Path
) -> None:
    out = small_disk / "run"
    with provider_process() as (_, base_url):
        subprocess.run(generate(base_url, tmp_path / "whole", 150), check=True)
        full = subprocess.run(generate(base_url, out, 150), stderr=subprocess.PIPE, text=True)
        assert full.returncode == 1
        assert "Everything stored before is safe" in full.stderr
        assert len(full.stderr.splitlines()) == 1
        kept = stored_calls(out)
        assert kept > 100

        still = go_on(out)
        assert still.returncode == 1
        assert "make room" in still.stderr
        assert str(out) in still.stderr
        assert "Traceback" not in still.stderr
        assert stored_calls(out) >= kept

        mount("-o", "remount,size=60m", str(small_disk))
        assert go_on(out).returncode == 0
    assert exported(out, tmp_path / "a") == exported(tmp_path / "whole", tmp_path / "b")


def test_a_disk_that_became_read_only_is_said_and_what_is_there_can_be_used(
    small_disk: Path, tmp_path: Path
) -> None:
    out = small_disk / "run"
    with provider_process() as (_, base_url):
        subprocess.run(generate(base_url, out, 5), check=True)
        mount("-o", "remount,ro", str(small_disk))
        refused = go_on(out)
        assert refused.returncode == 2
        assert refused.stderr.splitlines() == [
            f"simkit: error: cannot write in {out}: Read-only file system"
        ]
        exported(out, tmp_path / "exports")
        mount("-o", "remount,rw", str(small_disk))
        assert go_on(out).returncode == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


RETRYING = """
[providers.default]
retry_attempts = 20
retry_min_pause_seconds = 0.1
"""


def test_a_provider_that_dies_and_returns_in_mid_run_costs_nothing(tmp_path: Path) -> None:
    config = tmp_path / "retrying.toml"
    config.write_text(RETRYING)
    port = ["--port", str(free_port()), "--latency", "0.02"]
    with provider_process(*port) as (process, base_url):
        subprocess.run(generate(base_url, tmp_path / "whole", 40, config=config), check=True)
        with subprocess.Popen(generate(base_url, tmp_path / "run", 40, config=config)) as run:
            wait_for_calls(tmp_path / "run", 100, run)
            process.send_signal(signal.SIGKILL)
            process.wait()
            at_death = stored_calls(tmp_path / "run")
            with provider_process(*port):
                assert run.wait(DEADLINE_SECONDS) == 0
    assert 100 <= at_death < stored_calls(tmp_path / "run")
    with RunReader(tmp_path / "run" / "run.db") as reader:
        assert reader.counts().failed == 0
    assert exported(tmp_path / "run", tmp_path / "a") == exported(
        tmp_path / "whole", tmp_path / "b"
    )


FEW_RETRIES = """
[providers.default]
retry_attempts = 3
retry_min_pause_seconds = 0.1
"""


def test_a_provider_that_is_lost_for_good_stops_the_run_which_can_go_on_later(
    tmp_path: Path,
) -> None:
    config = tmp_path / "few.toml"
    config.write_text(FEW_RETRIES)
    out, port = tmp_path / "run", ["--port", str(free_port()), "--latency", "0.02"]
    with provider_process(*port) as (process, base_url):
        command = generate(base_url, out, 60, config=config)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
            wait_for_calls(out, 100, run)
            process.kill()
            process.wait()
            _, told = run.communicate(timeout=DEADLINE_SECONDS)
    assert run.returncode == 1
    assert "has given no usable answer since" in told
    assert f"go on with: simkit generate {out}" in told
    with RunReader(out / "run.db") as reader:
        assert reader.counts().failed < 20
    with provider_process(*port):
        assert go_on(out).returncode == 0
    with RunReader(out / "run.db") as reader:
        assert (reader.counts().failed, reader.counts().played) == (0, 60)


def wait_for_calls(run: Path, calls: int, process: subprocess.Popen[Any]) -> None:
    """Until *process*, which is to go on after that, has stored so many."""
    while not (run / "run.toml").exists() or stored_calls(run) < calls:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
