"""How many of their words two parameters share, the rare ones counting more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.facts import Facts, ParameterColumns
from simkit.graph.pairs import Indexes, Pairs


@dataclass(frozen=True, slots=True, eq=False)
class SharedWords:
    """Weighted words of parameters: shape ``(parameters, words)``, rows of length 1."""

    numbers: NDArray[np.int32]
    weights: NDArray[np.float32]

    def shared(self, others: SharedWords, pairs: Pairs) -> NDArray[np.float32]:
        """The cosine of the two sides of each of *pairs*."""
        total: NDArray[np.float32] = np.zeros((), np.float32)
        for mine in range(self.numbers.shape[1]):
            numbers = pairs.of_givers(self.numbers[:, mine])
            weights = pairs.of_givers(self.weights[:, mine])
            for theirs in range(others.numbers.shape[1]):
                same = numbers == pairs.of_takers(others.numbers[:, theirs])
                total = total + same * (weights * pairs.of_takers(others.weights[:, theirs]))
        return total


def weighted_words(facts: Facts) -> tuple[SharedWords, SharedWords]:
    """The words of outputs and of inputs, each by how few names in the catalog have it."""
    parameters = len(facts.outputs) + len(facts.inputs)
    rarity = np.log1p(parameters / (1 + _names_with(facts)))
    return _weighted(facts.outputs, rarity), _weighted(facts.inputs, rarity)


def _names_with(facts: Facts) -> Indexes:
    """For each word, how many parameters have it in their names."""
    names = np.concatenate([facts.outputs.name, facts.inputs.name])
    with_name = np.bincount(names, minlength=len(facts.names)).tolist()
    number = {word: at for at, word in enumerate(facts.words)}
    times = [0] * len(number)
    for name, parameters in zip(facts.names, with_name, strict=True):
        for word in set(name.split()):
            if word in number:  # of a name of many words, not all count
                times[number[word]] += parameters
    return np.array(times, np.int64)


def _weighted(side: ParameterColumns, rarity: NDArray[np.float64]) -> SharedWords:
    rarity = np.append(rarity, 0.0)  # of -1, no word
    weights = (side.weights * rarity[side.words]).astype(np.float32)
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    weights /= np.where(lengths > 0, lengths, 1)
    return SharedWords(side.words.astype(np.int32), weights)
