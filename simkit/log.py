"""The log of a run: JSON lines in a file, warnings on the terminal, keys in neither."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NoReturn, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from simkit.printable import printable_line

_log_file: ContextVar[TextIO | None] = ContextVar("simkit_log_file", default=None)

_LEVELS_FOR_PEOPLE = frozenset({"warning", "error", "critical"})
_SHORTEST_SECRET = 8
"""Local servers are given words like "none" or "x" for a key, which every text holds."""


class _Stderr(io.TextIOBase):
    """stderr as it is at the moment of writing: a live display takes its place, and shows
    what is written there above itself."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


STDERR = _Stderr()
"""For warnings, whether or not a live display owns the terminal."""


def configure_log(*, secrets: Iterable[str], warnings: TextIO | _Stderr | None) -> None:
    """Set up structlog for this process.

    Args:
        secrets: Texts that must never be written, wherever in an entry they occur; what is
            shorter than 8 characters is no secret.
        warnings: Where entries from warning upwards go, one line each; None for nowhere.

    Entries also go to the file of `log_to`, and nowhere when neither takes them.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            Redact(secrets),
            _Write(warnings),
        ],
        cache_logger_on_first_use=False,
    )


@contextmanager
def log_to(file: TextIO) -> Iterator[None]:
    """Inside the ``with``, and in the tasks started there, write each entry to *file*.

    One JSON object a line, flushed at once, so that a killed process leaves a whole log.
    """
    token = _log_file.set(file)
    try:
        yield
    finally:
        _log_file.reset(token)


class Redact:
    """A processor that replaces secrets in keys, values and everything inside them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # The longest first: one key may be the beginning of another. All in one pass, so that
        # no key is looked for in what has taken the place of another.
        texts = "|".join(map(re.escape, sorted(long, key=len, reverse=True)))
        self._secrets = re.compile(texts) if texts else None

    def __call__(self, logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
        return {self._text(str(key)): self._clean(value) for key, value in entry.items()}

    def _clean(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._text(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        return self._text(str(value))

    def _text(self, text: str) -> str:
        return text if self._secrets is None else self._secrets.sub("[redacted]", text)


class _Write:
    """The last processor: writes the entry and ends the chain."""

    def __init__(self, warnings: TextIO | _Stderr | None) -> None:
        self._warnings = warnings

    def __call__(self, logger: WrappedLogger, method: str, entry: EventDict) -> NoReturn:
        file = _log_file.get()
        if file is not None:
            with suppress(OSError):  # a full disk: the store says so, and decides what follows
                file.write(json.dumps(entry) + "\n")
                file.flush()
        if self._warnings is not None and entry.get("level") in _LEVELS_FOR_PEOPLE:
            with suppress(OSError, ValueError):  # a terminal that is gone stops no run
                self._warnings.write(_line(entry))
                self._warnings.flush()
        raise structlog.DropEvent


def _line(entry: EventDict) -> str:
    shown = {k: v for k, v in entry.items() if k not in {"event", "level", "timestamp"}}
    facts = " ".join(f"{key}={value}" for key, value in shown.items())
    text = f"simkit: {entry['level']}: {entry['event']} {facts}"
    return printable_line(text) + "\n"
