"""Which inputs some output may feed strongly enough: a bound that is cheaper than the evidence."""

from __future__ import annotations

import numpy as np

from simkit.graph.evidence import Evidence, Weights, positive
from simkit.graph.pairs import Indexes, Vectors

_BLOCK_CELLS = 500_000
_OUTPUTS_AT_ONCE = 1_000
"""Their distinct words, times so many, are in memory."""
_SLACK = 1e-3
"""The bound is summed in another order than the evidence, so its last digits are others."""


def within_reach(
    evidence: Evidence, weights: Weights, at_least: float, outputs: Indexes, inputs: Indexes
) -> Indexes:
    """Those of *inputs* that one of *outputs* may feed with a strength of *at_least*.

    None of the others has such a pair: what is left out of the sum counts as the most that it
    can be. It takes a tenth of the time that all evidence of all pairs does, and leaves few
    inputs where a few functions meet a large catalog.
    """
    if at_least == -np.inf:
        return inputs
    reached = np.zeros(len(inputs), bool)
    for begin in range(0, len(outputs), _OUTPUTS_AT_ONCE):
        some = outputs[begin : begin + _OUTPUTS_AT_ONCE]
        bound, left = _Bound(evidence, weights, some), np.flatnonzero(~reached)
        size = _BLOCK_CELLS // len(some)
        for start in range(0, len(left), size):
            block = left[start : start + size]
            reached[block] = (bound.of(inputs[block]) >= at_least - _SLACK).any(axis=1)
    return inputs[reached]


class _Bound:
    """What the strength of any input and one of some outputs does not exceed."""

    def __init__(self, evidence: Evidence, weights: Weights, outputs: Indexes) -> None:
        given, facts = evidence.facts.outputs, evidence.facts
        self._evidence, self._weights = evidence, weights
        self._givers, self._owners = np.unique(evidence.givers[outputs], return_inverse=True)
        functions = evidence.function_texts.at(self._givers)
        # A cosine below 0 counts as 0, and so does what takes away: both may come after.
        texts = max(0.0, weights.text) * evidence.output_texts.at(outputs)
        self._said = np.concatenate([texts, max(0.0, weights.names_giver) * functions]).T
        self._functions = max(0.0, weights.context) * functions.T
        self._phrases = max(0.0, weights.phrase) * evidence.output_phrases.at(outputs).T
        words = evidence.output_words
        self._words = _ByValue(
            words.numbers[outputs].astype(np.int64), words.weights[outputs], len(facts.words)
        )
        each = np.ones((len(outputs), 1), np.float32)
        self._names = _ByValue(given.name[outputs][:, None], each, len(facts.names))
        self._lasts = _ByValue(given.last_word[outputs][:, None], each, len(facts.words))
        self._others = (
            weights.echo * evidence.echoes[outputs]
            + weights.nesting * given.nesting[outputs]
            + weights.repeated * given.repeated[outputs]
            + max(0.0, weights.other_type)
        ).astype(np.float32)

    def of(self, inputs: Indexes) -> Vectors:
        """Shape ``(inputs, outputs)``."""
        evidence, weights, taken = self._evidence, self._weights, self._evidence.facts.inputs
        said = positive(evidence.input_texts.at(inputs) @ self._said)
        total, names_giver = np.split(said, [len(self._owners)], axis=1)
        total += positive(evidence.input_phrases.at(inputs) @ self._phrases)
        total += self._others
        words = evidence.input_words
        for numbers, heavy in zip(words.numbers[inputs].T, words.weights[inputs].T, strict=True):
            self._words.add_to(total, numbers, weights.words * heavy)
        self._names.add_to(total, taken.name[inputs], weights.same_name * evidence.rarity[inputs])
        same_last = np.full(len(inputs), weights.same_last_word, np.float32)
        self._lasts.add_to(total, taken.last_word[inputs], same_last)
        names_giver += self._between_functions(evidence.takers[inputs])
        total += names_giver[:, self._owners]
        return total

    def _between_functions(self, takers: Indexes) -> Vectors:
        """What is the same for all parameters of two functions: shape ``(takers, givers)``."""
        evidence = self._evidence
        functions, row = np.unique(takers, return_inverse=True)
        total = positive(evidence.function_texts.at(functions) @ self._functions)
        same_domain = evidence.domains[functions][:, None] == evidence.domains[self._givers]
        total += np.float32(self._weights.same_domain) * same_domain
        return total[row]


class _ByValue:
    """Some outputs by a number that few of them have: their name, a word of it.

    Args:
        numbers: Shape ``(outputs, several)``, from -1 on; *weights* likewise.
        values: How many numbers there are, -1 aside.
    """

    def __init__(self, numbers: Indexes, weights: Vectors, values: int) -> None:
        distinct, rows = np.unique(numbers, return_inverse=True)
        self._row_of = np.zeros(values + 1, np.int64)  # the last for -1
        self._row_of[distinct] = np.arange(1, len(distinct) + 1)
        self._weights = np.zeros((len(distinct) + 1, len(numbers)), np.float32)
        at = np.arange(len(numbers))[:, None]
        np.add.at(self._weights, (rows.reshape(numbers.shape) + 1, at), weights)

    def add_to(self, total: Vectors, numbers: Indexes, weights: Vectors) -> None:
        """To each row of *total*, its weight times that of every output of the same number."""
        row = self._row_of[numbers]
        shared = np.flatnonzero(row)
        total[shared] += weights[shared, None] * self._weights[row[shared]]
