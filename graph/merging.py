"""Near duplicates: the same function, described a little differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from simkit.graph.catalogs.keywords import LISTS, MAPS, SINGLE
from simkit.graph.likeness import Told, likeness, outline, same_outputs, told_by
from simkit.traces.functions import Function

MOST_COMPARED = 50
"""Earlier functions that one is compared with; where more share an outline, the likeliest."""
MOST_INDEXED = 1_000
"""Different functions of one outline that later ones are compared with: far above what real
catalogs have, it keeps 20,000 functions made after one pattern from taking minutes."""

_HASHES = 128
_MIN_ESTIMATE = 0.45
"""Share of equal hashes below which two are not compared: with 128 hashes, what shares 6
words of 10 falls below it once in 5,000 times."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The function at *index* says the same as the earlier one at *of*."""

    index: int
    of: int
    likeness: float


def find_repeats(functions: Sequence[Function]) -> list[Repeat]:
    """The near duplicates among *functions*, in order; what stays is no repeat itself.

    Only functions of one `outline` are compared, each with the earlier ones that stay, the
    earliest first; whether they are the same says `likeness`. Where over `MOST_COMPARED`
    share an outline, MinHash tells whom to compare (Broder 1997, "On the resemblance and
    containment of documents"), the likeliest first, so time does not grow with the number of
    pairs.
    """
    blocks: dict[bytes, list[int]] = defaultdict(list)
    for index, function in enumerate(functions):
        blocks[outline(function)].append(index)
    found = [
        repeat
        for block in blocks.values()
        if len(block) > 1
        for repeat in _repeats_in(block, functions)
    ]
    return sorted(found, key=lambda repeat: repeat.index)


def fill_in(kept: Function, other: Function) -> tuple[Function, tuple[str, ...]]:
    """*kept* with the outputs and parameter descriptions that it lacks and *other* has.

    Also returns which of "outputs" and "descriptions" were taken over. Both have one outline.
    """
    parameters = _described(kept.parameters, other.parameters)
    taken = ["descriptions"] if parameters != kept.parameters else []
    filled = replace(kept, parameters=parameters)
    if kept.outputs is None and other.outputs is not None:
        taken.append("outputs")
        filled = replace(filled, outputs=other.outputs, outputs_origin=other.outputs_origin)
    return filled, tuple(taken)


class _Candidates(Protocol):
    """The earlier functions of a block that a function is compared with."""

    def near(self, told: Told) -> Iterable[int]: ...

    def add(self, index: int, told: Told) -> None: ...


class _All:
    """Every earlier one."""

    def __init__(self) -> None:
        self._added: list[int] = []

    def near(self, told: Told) -> Iterable[int]:
        return self._added

    def add(self, index: int, told: Told) -> None:
        self._added.append(index)


class _Likeliest:
    """Those that probably share most words, by MinHash, the likeliest first."""

    def __init__(self) -> None:
        from datasketch import MinHash  # brings scipy along

        self._empty = MinHash(num_perm=_HASHES, seed=1)
        self._hashes = np.empty((MOST_INDEXED, _HASHES), dtype=self._empty.hashvalues.dtype)
        self._indexes: list[int] = []

    def near(self, told: Told) -> Iterable[int]:
        equal = self._hashes[: len(self._indexes)] == self._hashed(told)
        estimates = np.count_nonzero(equal, axis=1) / _HASHES
        best = np.argsort(-estimates, kind="stable")[:MOST_COMPARED]
        return [self._indexes[at] for at in best if estimates[at] >= _MIN_ESTIMATE]

    def add(self, index: int, told: Told) -> None:
        if len(self._indexes) < MOST_INDEXED:
            self._hashes[len(self._indexes)] = self._hashed(told)
            self._indexes.append(index)

    def _hashed(self, told: Told) -> Any:
        hashed = self._empty.copy()
        hashed.update_batch([word.encode() for word in told.everything])
        return hashed.hashvalues


def _repeats_in(block: Sequence[int], functions: Sequence[Function]) -> list[Repeat]:
    """The near duplicates among functions of one outline."""
    candidates: _Candidates = _All() if len(block) <= MOST_COMPARED else _Likeliest()
    stays: dict[int, Told] = {}
    repeats: list[Repeat] = []
    for index in block:
        told = told_by(functions[index])
        for earlier in candidates.near(told):
            alike = _alike(functions[earlier], stays[earlier], functions[index], told)
            if alike is not None:
                repeats.append(Repeat(index, earlier, alike))
                break
        else:
            stays[index] = told
            candidates.add(index, told)
    return repeats


def _alike(one: Function, one_told: Told, other: Function, other_told: Told) -> float | None:
    has_parameters = bool(one.parameters["properties"])
    alike = likeness(one_told, other_told, has_parameters=has_parameters)
    # Second, as it takes longer.
    return alike if alike is not None and same_outputs(one.outputs, other.outputs) else None


def _described(kept: Any, other: Any) -> Any:
    """*kept* with the descriptions of *other*, a schema of the same shape, where it has none."""
    if not isinstance(kept, dict) or not isinstance(other, dict):
        return kept
    filled = {key: _described_part(key, part, other.get(key)) for key, part in kept.items()}
    if "description" not in kept and isinstance(other.get("description"), str):
        filled["description"] = other["description"]
    return filled


def _described_part(key: str, kept: Any, other: Any) -> Any:
    if key in MAPS and isinstance(other, dict):
        return {name: _described(inner, other.get(name)) for name, inner in kept.items()}
    if key in LISTS and isinstance(other, list):
        return [_described(*pair) for pair in zip(kept, other, strict=True)]
    return _described(kept, other) if key in SINGLE else kept
