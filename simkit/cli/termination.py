"""SIGTERM, which containers and job schedulers send, taken as Ctrl+C is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """In the block, SIGTERM raises `KeyboardInterrupt`; for the main thread.

    It needs no event loop, so it holds from the first moment of a command, while libraries
    are imported and files read.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
