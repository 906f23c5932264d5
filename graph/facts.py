"""What there is to know of each function by itself: columns of numbers, and tables of strings.

All that `simkit.graph.evidence` compares comes from here, and most of it takes a look at every
parameter. Nothing depends on what else is in the catalog, so what was once worked out stays
true when functions are added; see `simkit.graph.prepared_folder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simkit.graph.pairs import Indexes


@dataclass(frozen=True, slots=True, eq=False)
class ParameterColumns:
    """The outputs, or the inputs, of a catalog: arrays with a row for each, by function.

    A string is its index in the table of `Facts` that is named after it.
    """

    function: Indexes
    """Index of its function."""
    path: Indexes
    text: Indexes
    phrase: Indexes
    name: Indexes
    last_word: Indexes
    """Of the name; -1 when that has none."""
    words: Indexes
    """Shape ``(parameters, words)``, the heaviest first; -1 where there are no more."""
    weights: NDArray[np.float64]
    """Of the words, however rare they are."""
    kinds: NDArray[np.int8]
    """Its types as bits; 0 when the catalog does not say."""
    form: NDArray[np.int8]
    """The family of its format as a number; 0 where there is none that tells things apart."""
    nesting: NDArray[np.float32]
    """How many things hold it, as a share of the most that count."""
    repeated: NDArray[np.bool_]
    """It is one of many, as in a list."""
    required: NDArray[np.bool_]
    choice: NDArray[np.bool_]
    """It is one of a few values, which the catalog lists."""
    askable: NDArray[np.bool_]
    """Another function may give it: it is no yes or no, nor how a result is wanted."""
    descriptive: NDArray[np.bool_]
    """Its name says what almost anything has."""

    def __len__(self) -> int:
        return len(self.function)


@dataclass(frozen=True, slots=True, eq=False)
class FunctionColumns:
    """The functions of a catalog, likewise."""

    text: Indexes
    """Its name and first sentence."""
    domain: Indexes
    """What the catalog calls its domain, else where it comes from."""
    ends: NDArray[np.bool_]
    """It deletes what it is about."""

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Columns, and the distinct strings in them."""

    texts: Sequence[str]
    phrases: Sequence[str]
    names: Sequence[str]
    """Of parameters: their words, in the singular, with spaces between."""
    words: Sequence[str]
    paths: Sequence[str]
    domains: Sequence[str]
    outputs: ParameterColumns
    inputs: ParameterColumns
    functions: FunctionColumns


_REFERENCES = {
    "texts": (("outputs", "text"), ("inputs", "text"), ("functions", "text")),
    "phrases": (("outputs", "phrase"), ("inputs", "phrase")),
    "names": (("outputs", "name"), ("inputs", "name")),
    "words": (
        ("outputs", "words"),
        ("inputs", "words"),
        ("outputs", "last_word"),
        ("inputs", "last_word"),
    ),
    "paths": (("outputs", "path"), ("inputs", "path")),
    "domains": (("functions", "domain"),),
}
"""The columns that point into each table."""
TABLES = tuple(_REFERENCES)
"""The names of the tables."""


def in_order(facts: Facts) -> Facts:
    """*facts* with each table in the order in which its strings first come in the columns.

    So they are the same, whether functions came one after another or at once.
    """
    tables: dict[str, Any] = {}
    columns: dict[str, Any] = {"outputs": {}, "inputs": {}, "functions": {}}
    for table, references in _REFERENCES.items():
        values: Sequence[str] = getattr(facts, table)
        used = [getattr(getattr(facts, side), column) for side, column in references]
        order = _first_uses(used, len(values))
        tables[table] = [values[at] for at in order.tolist()]
        renumbered = np.full(len(order) + 1, -1)  # the last for what -1 points to
        renumbered[order] = np.arange(len(order))
        for (side, column), numbers in zip(references, used, strict=True):
            columns[side][column] = renumbered[numbers]
    return replace(
        facts,
        outputs=replace(facts.outputs, **columns["outputs"]),
        inputs=replace(facts.inputs, **columns["inputs"]),
        functions=replace(facts.functions, **columns["functions"]),
        **tables,
    )


def _first_uses(columns: Sequence[Indexes], values: int) -> Indexes:
    """The numbers below *values*, all of them in *columns*, by where they first come there."""
    used = np.concatenate([column.ravel() for column in columns])
    used = used[used >= 0]
    first = np.empty(values, np.int64)
    first[used[::-1]] = np.arange(len(used))[::-1]  # what is written last stays
    return np.argsort(first, kind="stable")
