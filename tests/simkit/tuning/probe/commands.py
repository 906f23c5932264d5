"""The command line and a stand-in provider, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SIMKIT = [sys.executable, "-c", "from simkit.cli.main import main; main()"]


@contextmanager
def a_standin(*options: str) -> Iterator[str]:
    """A stand-in provider in a process of its own; gives its address."""
    process = subprocess.Popen(
        [*SIMKIT, "provider", *options], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if "http://" in line)
        yield line[line.index("http://") :].split()[0]
    finally:
        process.terminate()
        process.communicate(timeout=10)
