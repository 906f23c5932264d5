"""What is worked out of each function of a catalog before any two are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from simkit.graph.embed import Embedder
from simkit.graph.fact_finding import facts_of
from simkit.graph.facts import Facts
from simkit.graph.pairs import Vectors
from simkit.graph.parameters import Parameter
from simkit.traces.functions import Function


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Facts of a catalog, and vectors of the strings among them."""

    facts: Facts
    texts: Vectors
    """A row for each of the texts."""
    phrases: Vectors
    """A row for each of the phrases."""


def known_of(
    functions: Sequence[Function],
    outputs: Sequence[Parameter],
    inputs: Sequence[Parameter],
    embedder: Embedder,
    before: Known | None = None,
) -> Known:
    """What *functions* have, *before* being known of the first of them.

    It is the same with and without *before*, whose texts are not embedded again.
    """
    facts = facts_of(functions, outputs, inputs, before.facts if before else None)
    if before is not None and facts is before.facts:
        return before
    had = before.facts if before else None
    return Known(
        facts,
        texts=_vectors(
            embedder.embed,
            facts.texts,
            had.texts if had else (),
            before.texts if before else None,
        ),
        phrases=_vectors(
            partial(_embedded_by_word, embedder),
            facts.phrases,
            had.phrases if had else (),
            before.phrases if before else None,
        ),
    )


def _vectors(
    embed: Callable[[Sequence[str]], Vectors],
    wanted: Sequence[str],
    had: Sequence[str],
    rows: Vectors | None,
) -> Vectors:
    """A row for each of *wanted*, those that were *had* from *rows*, one for each."""
    if rows is None or not had:
        return embed(wanted)
    row_of = {text: row for row, text in enumerate(had)}
    row = np.array([row_of.get(text, -1) for text in wanted], np.int64)
    new = np.flatnonzero(row < 0)
    fresh = embed([wanted[at] for at in new.tolist()]) if len(new) else rows[:0]
    if fresh.shape[1] != rows.shape[1]:  # another model by the same name: it has to say so
        return embed(wanted)
    vectors = rows.take(row, axis=0, mode="clip")
    vectors[new] = fresh
    return vectors


def _embedded_by_word(embedder: Embedder, phrases: Sequence[str]) -> Vectors:
    """A phrase is the mean of its words: few words make up many phrases, and embed in no time."""
    words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
    of_words = dict(zip(words, embedder.embed(list(words)), strict=True)) if words else {}
    (of_one,) = {vector.shape for vector in of_words.values()} or {(1,)}
    vectors = np.zeros((len(phrases), *of_one), np.float32)
    for row, phrase in zip(vectors, phrases, strict=True):
        for word in phrase.split():
            row += of_words[word]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return vectors
