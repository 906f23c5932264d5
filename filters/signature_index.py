"""Finds, among many MinHash signatures, those that resemble a given one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signature = NDArray[np.uint32]
"""The MinHash of each hash function, in order; `HASHES` of them."""

HASHES = 128
_MIN_RECALL = 0.999
_FIRST_ROWS = 256
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class SignatureIndex:
    """Signatures by number, found by their bands (Broder 1997; Leskovec, Rajaraman and Ullman,
    "Mining of Massive Datasets", section 3.4).

    Two are compared when all hashes of one of their bands are equal. Bands are as long as they
    can be with 999 of 1,000 pairs at *threshold* compared. What is found depends on what was
    added, not on the order.

    Args:
        threshold: Least share of equal hashes, in (0, 1].
        segment: Signatures that are looked through one by one until, 20 ms for so many, they are
            sorted.

    Takes 0.5 kB for a signature and up to 0.4 kB for its bands.
    """

    def __init__(self, threshold: float, *, segment: int = 16_384) -> None:
        self._threshold = threshold
        length = _band_length(threshold)
        self._bands = HASHES // length
        self._powers = np.array([pow(int(_MULTIPLIER), i, 2**64) for i in range(length)], np.uint64)
        self._numbers: list[int] = []
        self._signatures = np.empty((_FIRST_ROWS, HASHES), dtype=np.uint32)
        # Keys of bands: of full segments in ascending order with the row of each; and of rest.
        self._segments: list[tuple[NDArray[np.uint64], NDArray[np.intp]]] = []
        self._rest = np.empty((segment, self._bands), dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, signature: Signature) -> None:
        """Have *signature* found under *number* from now on."""
        row = len(self._numbers)
        if row == len(self._signatures):
            self._signatures = np.concatenate([self._signatures, np.empty_like(self._signatures)])
        self._signatures[row] = signature
        self._numbers.append(number)
        at = row % len(self._rest)
        self._rest[at] = self._keys(signature)
        if at + 1 == len(self._rest):
            self._sort_rest(row - at)

    def find(self, signature: Signature) -> tuple[int, float] | None:
        """The lowest number whose signature has enough equal hashes, and their share."""
        found = None
        for row in self._candidates(self._keys(signature)):
            share = int(np.count_nonzero(self._signatures[row] == signature)) / HASHES
            if share >= self._threshold and (found is None or self._numbers[row] < found[0]):
                found = self._numbers[row], share
        return found

    def _candidates(self, keys: NDArray[np.uint64]) -> list[int]:
        """Rows that have a band in common with *keys*."""
        rows: set[int] = set()
        for segment, owners in self._segments:
            firsts, stops = np.searchsorted(segment, keys), np.searchsorted(segment, keys, "right")
            for first, stop in zip(firsts, stops, strict=True):
                rows.update(owners[first:stop].tolist())
        first = len(self._segments) * len(self._rest)
        rest = self._rest[: len(self._numbers) - first]
        rows.update((first + np.flatnonzero((rest == keys).any(axis=1))).tolist())
        return sorted(rows)

    def _keys(self, signature: Signature) -> NDArray[np.uint64]:
        """One for each band; which band it is counts, too."""
        bands = signature.astype(np.uint64).reshape(self._bands, -1) + np.uint64(1)
        keys: NDArray[np.uint64] = (bands * self._powers).sum(axis=1, dtype=np.uint64)
        keys *= _MULTIPLIER
        keys += np.arange(self._bands, dtype=np.uint64)
        return keys

    def _sort_rest(self, first: int) -> None:
        keys = self._rest.ravel()
        order = np.argsort(keys, kind="stable")
        self._segments.append((keys[order], first + order // self._bands))


def _band_length(threshold: float) -> int:
    """The longest, of powers of 2, with which hardly a pair at *threshold* is overlooked."""
    for length in (128, 64, 32, 16, 8, 4, 2):
        if 1 - (1 - threshold**length) ** (HASHES // length) >= _MIN_RECALL:
            return length
    return 1
