"""What the tests of the store may use."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def little_disk() -> Iterator[Callable[[int], None]]:
    """Make every file that this process writes fail beyond so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(file_bytes: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
