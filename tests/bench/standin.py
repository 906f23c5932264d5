"""A stand-in provider in a process of its own, for measuring clients."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Standin:
    """Where it listens, and what it has counted."""

    base_url: str

    def stats(self) -> dict[str, Any]:
        return self._get("stats")

    def timeline(self) -> dict[str, Any]:
        return self._get("timeline")

    def control(self, **limits: float | None) -> None:
        """Change limits while it runs."""
        request = urllib.request.Request(self._url("control"), data=orjson.dumps(limits))
        urllib.request.urlopen(request).close()

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self._url(path)) as answer:
            read: dict[str, Any] = orjson.loads(answer.read())
            return read

    def _url(self, path: str) -> str:
        return f"{self.base_url.removesuffix('/v1')}/{path}"


@contextmanager
def standin(*options: str) -> Iterator[Standin]:
    """Run ``simkit provider`` with *options* until leaving."""
    command = [sys.executable, "-m", "simkit", "provider", *options, "--end-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Standin(process.stdout.readline().split()[-1])
        finally:
            process.terminate()
