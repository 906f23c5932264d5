"""Tasks that all do the same, as many as wanted; the number may change while they work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from anyio.abc import TaskGroup


class Crew:
    """Keeps as many members at work as it has places.

    A member takes one piece of work after another and returns when none is left, or when
    `has_too_many` is true before it takes the next. So more places are filled at once, and
    of fewer nobody is cut off: members leave as they come to the end of what they do.

    Args:
        size: Places, at least 1.

    Raises:
        ValueError: There would be no place.
    """

    def __init__(self, size: int) -> None:
        self._size = _checked(size)
        self._members = 0
        self._hire: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """How many there are to be."""
        return self._size

    @size.setter
    def size(self, size: int) -> None:
        self._size = _checked(size)
        self._fill()

    @property
    def surplus(self) -> int:
        """How many more are at work than there are to be, at least 0."""
        return max(0, self._members - self._size)

    @property
    def has_too_many(self) -> bool:
        """Whether the member who asks is to leave, at once."""
        return self._members > self._size

    def start(self, group: TaskGroup, member: Callable[[], Awaitable[None]]) -> None:
        """Have each place filled by a task of *group* that does *member*, from now on."""

        async def work() -> None:
            try:
                await member()
            finally:
                self._members -= 1

        def hire() -> None:
            group.start_soon(work)

        self._hire = hire
        self._fill()

    def close(self) -> None:
        """Hire nobody any more; for when the group is left."""
        self._hire = None

    def _fill(self) -> None:
        while self._hire is not None and self._members < self._size:
            self._members += 1
            self._hire()


def _checked(size: int) -> int:
    if size < 1:
        raise ValueError(f"a crew needs at least 1 place, not {size}")
    return size
