"""What the tests of the store may use."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture
def little_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Inside ``with little_disk(n)``, every file that this process writes fails beyond n bytes.

    As a full disk does. Not for longer than that: the file that pytest's own output may go
    to is one of them.
    """

    @contextmanager
    def limit(file_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
