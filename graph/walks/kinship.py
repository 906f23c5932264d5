"""How much two functions are about the same thing, by the words that describe them.

An edge says that an output could be passed on; whether anyone would want to is another
question: whatever gives a `status` is one step from whatever takes one, and walks that follow
such edges splice unrelated worlds (a change request, then anime jokes, then a translation). Kin
are functions of one small domain, of one domain with words in common, or of any two domains
with many rare words in common.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simkit.graph.parameters import name_words
from simkit.traces.functions import Function

_DIMS = 512
_MOST_CHARACTERS = 400
"""Of a description: the first sentences say what a function is about."""
_ACTION_LIST = """
    a add all an and any api apply array as at by change check clear close create current data
    delete disable edit enable existing fetch find for from function generate get given id if in
    info information into is it its list make name new number of on one open optional or out
    parameter post provided put query read remove request retrieve return returns run search set
    show specific start stop string the this to tool update use used user users using v1 v2 v3
    value values view which with write your
"""
_ACTIONS = frozenset(_ACTION_LIST.split())
"""What is done, and how it is said, rather than to what it is done: deleting a flag and deleting
a message are not about one thing. English, as descriptions are."""
_EDGES_AT_ONCE = 2_048
_RELATED = 0.3
"""Cosine from which two functions are kin whatever their domains."""
_RELATED_IN_DOMAIN = 0.12
"""And in one domain: catalogs have domains as coarse as "Others"."""
_SMALL_DOMAIN = 50
"""Functions in a domain that makes them kin without a look at the words: one API, one server."""


def kin(
    functions: Sequence[Function],
    domains: Sequence[str],
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """For each edge ``sources[i] -> targets[i]``, whether its ends are about one thing.

    Cosine of the words of name and description, weighed by rarity and hashed into 512
    signed dimensions (arXiv 0902.2206). Takes 4 kB a function while it works.

    Args:
        domains: Of each function; empty where nobody knows, which makes none kin.
    """
    vectors = _word_vectors(functions)
    number = {domain: index for index, domain in enumerate(dict.fromkeys(domains))}
    numbers = np.array([number[domain] for domain in domains])
    small = (np.bincount(numbers) <= _SMALL_DOMAIN)[numbers[sources]]
    named = np.array([bool(domain) for domain in domains])
    together = (numbers[sources] == numbers[targets]) & named[sources]
    bars = np.where(together, np.where(small, -1, _RELATED_IN_DOMAIN), _RELATED)
    return np.asarray(_cosines(vectors, sources, targets) >= bars, np.bool_)


def _cosines(
    vectors: NDArray[np.float64], sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> NDArray[np.float64]:
    cosines = np.empty(len(sources), np.float64)
    for start in range(0, len(sources), _EDGES_AT_ONCE):
        part = slice(start, start + _EDGES_AT_ONCE)
        cosines[part] = np.einsum("ij,ij->i", vectors[sources[part]], vectors[targets[part]])
    return cosines


def _word_vectors(functions: Sequence[Function]) -> NDArray[np.float64]:
    """One row a function, of length 1; zeros for one without a word."""
    described = [
        {*name_words(f"{one.name} {one.description[:_MOST_CHARACTERS]}").split()} - _ACTIONS
        for one in functions
    ]
    holders = Counter(word for words in described for word in words)
    places = {word: _place(word) for word in holders}
    rarity = {word: math.log((len(functions) + 1) / times) for word, times in holders.items()}
    vectors = np.zeros((len(functions), _DIMS), np.float64)
    for row, words in zip(vectors, described, strict=True):
        for word in sorted(words):  # sums of floats depend on their order
            dimension, sign = places[word]
            row[dimension] += sign * rarity[word]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return vectors


def _place(word: str) -> tuple[int, int]:
    code = zlib.crc32(word.encode("utf-8", "replace"))
    return (code >> 1) % _DIMS, 1 - 2 * (code & 1)
