"""A memory for what is costly to make again, of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")

Key = tuple[bytes | str, ...]


class SizedMemory(Generic[V]):
    """Values by what they were made from; those unused for longest are forgotten first.

    Args:
        limit_bytes: The entries together stay below it, by the sizes that are told.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._size = 0
        self._entries: OrderedDict[Key, tuple[V, int]] = OrderedDict()

    def get(self, key: Key) -> V | None:
        """The value of *key*, which now counts as used; None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Key, value: V, *, size: int) -> None:
        """Remember *value*, which takes about *size* bytes, for *key*, which is new."""
        self._entries[key] = (value, size)
        self._size += size
        while self._size > self._limit:
            _, (_, forgotten) = self._entries.popitem(last=False)
            self._size -= forgotten

    @property
    def size(self) -> int:
        """Bytes of all entries, as told."""
        return self._size
