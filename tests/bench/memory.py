"""Peak memory of a long run beside that of a short one, at the same concurrency."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.row import Row
from tests.bench.standin import standin

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO_CATALOG = ROOT / "graph" / "samples" / "demo"
SHORT, LONG = 1_000, 5_000
CONCURRENCY = 200


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, standin("--mistakes", "0.05") as provider:
        short, long = (
            _peak_megabytes(provider.base_url, count, Path(folder) / str(count))
            for count in (SHORT, LONG)
        )
    return [
        Row(
            what=f"peak memory of {LONG:,} conversations, {CONCURRENCY} in flight",
            value=long,
            baseline=short,
            baseline_name=f"{SHORT:,} conversations",
            unit="MB",
            aim="at most 1.20",
        )
    ]


def _peak_megabytes(base_url: str, conversations: int, out: Path) -> float:
    """Peak resident memory of a whole ``simkit generate``."""
    command = [sys.executable, "-m", "simkit", "generate", "--quiet"]
    command += ["--catalog", str(DEMO_CATALOG), "--embedder", "lexical"]
    command += ["--min-length", "2", "--max-length", "4"]
    command += ["--conversations", str(conversations), "--concurrency", str(CONCURRENCY)]
    command += ["--base-url", base_url, "--model", "standin", "--out", str(out)]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"simkit generate ended with {process.returncode}")
    return usage.ru_maxrss / 1024
