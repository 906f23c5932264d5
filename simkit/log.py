"""The log of a run: JSON lines in a file, warnings on the terminal, keys in neither."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from simkit.printable import printable_line

_log_file: ContextVar[TextIO | None] = ContextVar("simkit_log_file", default=None)

_LEVELS_FOR_PEOPLE = frozenset({"warning", "error", "critical"})


def configure_log(*, secrets: Iterable[str], warnings: TextIO | None) -> None:
    """Set up structlog for this process.

    Args:
        secrets: Texts that must never be written, wherever in an entry they occur.
        warnings: Where entries from warning upwards go, one line each; None where a live
            display owns the terminal.

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
        # The longest first: one key may be the beginning of another.
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

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
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text


class _Write:
    """The last processor: writes the entry and ends the chain."""

    def __init__(self, warnings: TextIO | None) -> None:
        self._warnings = warnings

    def __call__(self, logger: WrappedLogger, method: str, entry: EventDict) -> NoReturn:
        file = _log_file.get()
        if file is not None:
            file.write(json.dumps(entry) + "\n")
            file.flush()
        if self._warnings is not None and entry.get("level") in _LEVELS_FOR_PEOPLE:
            self._warnings.write(_line(entry))
            self._warnings.flush()
        raise structlog.DropEvent


def _line(entry: EventDict) -> str:
    shown = {k: v for k, v in entry.items() if k not in {"event", "level", "timestamp"}}
    facts = " ".join(f"{key}={value}" for key, value in shown.items())
    text = f"simkit: {entry['level']}: {entry['event']} {facts}"
    return printable_line(text) + "\n"
