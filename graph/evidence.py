"""Evidence that an output of one function is what an input of another takes.

The paper's rule (arXiv 2511.15718, section 3.1) looks at the descriptions and types of two
parameters alone. People look at more: what the names say, what thing an ``id`` is the id of,
whether the description names the function to ask, whether the giver would need the same value
itself. Each of these is one number a pair here; `simkit.graph.affinity` weighs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simkit.graph.embed import Embedder
from simkit.graph.known import Known, known_of
from simkit.graph.pairs import Indexes, Listed, Pairs, Rows
from simkit.graph.parameters import Parameter
from simkit.graph.shared_words import weighted_words
from simkit.traces.functions import Function

_OPTIONAL_NEED = 0.2
"""What a function can do without it needs so much less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each kind of evidence is worth, in the order in which `Evidence` gives it."""

    text: float
    """Cosine of the descriptions and types: the paper's rule."""
    phrase: float
    """Cosine of the names with their owners, e.g. "playlist id", each the mean of its words."""
    words: float
    """Words that the names and owners share, the rare ones more."""
    same_name: float
    """The names are the same, and few functions give something of that name."""
    same_last_word: float
    """The names end in the same word, as ``album_id`` and ``id`` do: one property of things."""
    names_giver: float
    """Cosine of the input's description and the giving function."""
    context: float
    """Cosine of the two functions."""
    same_domain: float
    """The catalog puts the two functions in one domain."""
    other_type: float
    """The types or the formats cannot be the same thing: an address of mail is no date."""
    echo: float
    """The output only repeats what the giver was given."""
    nesting: float
    """How many things deep the output lies, as a share of three."""
    repeated: float
    """The output is one of many, as in a list or the results of a search."""
    needed: float
    """How much the giver needs itself what the input needs, so cannot be where it comes from.
    The one kind that is about an input and a function, whichever its output."""

    def values(self) -> NDArray[np.float32]:
        """The weights as an array, in order."""
        return np.array([getattr(self, one.name) for one in fields(self)], np.float32)


class Evidence:
    """All that is known of the outputs and inputs of a catalog, ready to compare.

    Args:
        outputs: Grouped by function, functions ascending; *inputs* likewise.
        known: What is known of *functions*, or of the first of them, if anything is: the
            evidence is the same without.

    Memory is that of the vectors: one for each distinct text and each distinct name.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        outputs: Sequence[Parameter],
        inputs: Sequence[Parameter],
        embedder: Embedder,
        known: Known | None = None,
    ) -> None:
        self.outputs, self.inputs = outputs, inputs
        self.known = known_of(functions, outputs, inputs, embedder, known)
        """Of all the functions."""
        facts = self.facts = self.known.facts
        given, taken = facts.outputs, facts.inputs
        self.givers = given.function
        """For each output, its function; never empty for a function."""
        self.takers = taken.function
        """For each input, its function."""
        self.output_texts = Rows(self.known.texts, given.text)
        self.input_texts = Rows(self.known.texts, taken.text)
        self.function_texts = Rows(self.known.texts, facts.functions.text)
        self.output_phrases = Rows(self.known.phrases, given.phrase)
        self.input_phrases = Rows(self.known.phrases, taken.phrase)
        self.output_words, self.input_words = weighted_words(facts)
        self.rarity = _rarity(given.name, taken.name, given.function)
        self.domains = facts.functions.domain
        self._repeated = given.repeated.astype(np.float32)
        self._need = np.where(taken.required, 1.0, _OPTIONAL_NEED).astype(np.float32)
        self.echoes = self._repeats_own()

    def of(self, pairs: Pairs) -> Iterator[NDArray[np.float32]]:
        """Each kind of evidence but the last of `Weights`, in its order, in the shape of *pairs*.

        The givers of *pairs* are indexes of outputs, the takers of inputs.
        """
        giver, taker = pairs.of_givers(self.givers), pairs.of_takers(self.takers)
        by_function = self._by_function(pairs)
        outputs, inputs = self.facts.outputs, self.facts.inputs
        same_name = pairs.of_givers(outputs.name) == pairs.of_takers(inputs.name)
        same_domain: NDArray[np.bool_] = self.domains[giver] == self.domains[taker]
        yield positive(pairs.dot(self.output_texts, self.input_texts))
        yield positive(pairs.dot(self.output_phrases, self.input_phrases))
        yield self.output_words.shared(self.input_words, pairs)
        yield same_name * pairs.of_takers(self.rarity)
        yield self._same_last_word(pairs)
        yield positive(by_function.dot(self.function_texts, self.input_texts))
        yield positive(self._between_functions(pairs).dot(self.function_texts, self.function_texts))
        yield same_domain.astype(np.float32)
        yield self._other_type(pairs)
        yield pairs.of_givers(self.echoes)
        yield pairs.of_givers(outputs.nesting)
        yield pairs.of_givers(self._repeated)

    def needs(self, functions: Indexes, inputs: Indexes) -> NDArray[np.float32]:
        """How much each of *functions* needs itself what the input beside it needs, in [0, 1].

        Both have shape ``(n,)``, as has the result: the likeness of the closest of the
        function's own inputs, less where that one is optional.
        """
        first = np.searchsorted(self.takers, functions, side="left")
        counts = np.searchsorted(self.takers, functions, side="right") - first
        owners = np.repeat(np.arange(len(functions)), counts)
        own = first[owners] + np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        pairs = Listed(own, inputs[owners])
        likeness = (
            positive(pairs.dot(self.input_texts, self.input_texts))
            + positive(pairs.dot(self.input_phrases, self.input_phrases))
            + self.input_words.shared(self.input_words, pairs)
        ) / 3
        needs = np.zeros(len(functions), np.float32)
        np.maximum.at(needs, owners, likeness * self._need[own])
        return needs

    def likeness(self, some: Indexes, others: Indexes) -> NDArray[np.float32]:
        """Cosine of what is said of each of *some* functions and of the one beside it."""
        return Listed(some, others).dot(self.function_texts, self.function_texts)

    def _by_function(self, pairs: Pairs) -> Pairs:
        return type(pairs)(self.givers[pairs.givers], pairs.takers)

    def _between_functions(self, pairs: Pairs) -> Pairs:
        return type(pairs)(self.givers[pairs.givers], self.takers[pairs.takers])

    def _repeats_own(self) -> NDArray[np.float32]:
        given, taken = self.facts.outputs, self.facts.inputs
        names = len(self.facts.names)
        own = (taken.function * names + taken.name)[taken.required]
        return np.isin(given.function * names + given.name, own).astype(np.float32)

    def _same_last_word(self, pairs: Pairs) -> NDArray[np.float32]:
        gives = pairs.of_givers(self.facts.outputs.last_word)
        same: NDArray[np.bool_] = gives == pairs.of_takers(self.facts.inputs.last_word)
        return same.astype(np.float32)

    def _other_type(self, pairs: Pairs) -> NDArray[np.float32]:
        """1 where both types are known and share nothing, or both formats are and differ.

        Text and numbers pass for each other.
        """
        outputs, inputs = self.facts.outputs, self.facts.inputs
        gives, takes = pairs.of_givers(outputs.kinds), pairs.of_takers(inputs.kinds)
        fits = (gives & takes) != 0
        differs: NDArray[np.bool_] = (gives != 0) & (takes != 0) & ~fits
        given, taken = pairs.of_givers(outputs.form), pairs.of_takers(inputs.form)
        differs |= (given != 0) & (taken != 0) & (given != taken)
        return differs.astype(np.float32)


def _rarity(output_names: Indexes, input_names: Indexes, givers: Indexes) -> NDArray[np.float32]:
    """For each input: 1 when hardly a function gives something of its name, 0 when all do."""
    functions = len(np.unique(givers))
    names = int(max(output_names.max(initial=0), input_names.max(initial=0))) + 1
    by_function = np.unique(givers * names + output_names) % names
    giving = np.bincount(by_function, minlength=names)[input_names]
    rarity: NDArray[np.float64] = np.log1p(functions / (1 + giving)) / np.log1p(functions)
    return rarity.astype(np.float32)


def positive(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """*cosines* with 0 for those below, in place."""
    return np.maximum(cosines, 0, out=cosines)
