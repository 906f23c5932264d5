"""Evidence that an output of one function is what an input of another takes.

The paper's rule (arXiv 2511.15718, section 3.1) looks at the descriptions and types of two
parameters alone. People look at more: what the names say, what thing an ``id`` is the id of,
whether the description names the function to ask, whether the giver would need the same value
itself. Each of these is one number a pair here; `simkit.graph.affinity` weighs them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simkit.graph.embed import Embedder
from simkit.graph.naming import Naming, namings, nesting
from simkit.graph.pairs import Indexes, Listed, Pairs, Rows
from simkit.graph.parameters import Parameter, name_words, said_by
from simkit.traces.functions import Function

_MOST_WORDS = 6
"""Words of a parameter, its owner's among them, that are compared."""
_OWNER_WEIGHT = 0.2
_OTHER_WEIGHT = 0.1
_GENERIC_FACTOR = 2.5
"""Owner and others count so much more where the name alone says little."""
_MAX_NESTING = 3
_FUNCTION_TEXT = 300
"""Characters of a function's name and first sentence that are embedded."""
_OPTIONAL_NEED = 0.2
"""What a function can do without it needs so much less."""


_FORMS = {
    **dict.fromkeys(("date", "date-time", "time"), 1),
    **dict.fromkeys(("email", "idn-email"), 2),
    **dict.fromkeys(("uri", "url", "iri", "uri-reference"), 3),
    **dict.fromkeys(("uuid", "guid"), 4),
    **dict.fromkeys(("ipv4", "ipv6", "ip"), 5),
    **dict.fromkeys(("phone", "telephone"), 6),
}
"""Formats that tell one thing from another, by family; others are about how it is written."""


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

    Memory is that of the vectors: one for each distinct text and each distinct name.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        outputs: Sequence[Parameter],
        inputs: Sequence[Parameter],
        embedder: Embedder,
    ) -> None:
        self.outputs, self.inputs = outputs, inputs
        self.givers = np.array([one.function for one in outputs], np.int64)
        """For each output, its function; never empty for a function."""
        self.takers = np.array([one.function for one in inputs], np.int64)
        """For each input, its function."""
        gives, takes = namings(functions, outputs), namings(functions, inputs)
        self.output_texts, self.input_texts, self._functions = _embedded(
            embedder,
            [one.text for one in outputs],
            [one.text for one in inputs],
            [_function_text(function) for function in functions],
        )
        self.output_phrases, self.input_phrases = _embedded_by_word(
            embedder, [one.phrase for one in gives], [one.phrase for one in takes]
        )
        self._output_words, self._input_words = _weighted_words(gives, takes)
        self._output_names, self._input_names = _numbered(
            [one.name for one in gives], [one.name for one in takes]
        )
        self._output_last_words, self._input_last_words = _numbered(
            [one.name[-1:] for one in gives], [one.name[-1:] for one in takes]
        )
        self._rarity = _rarity(self._output_names, self._input_names, self.givers)
        (self.domains,) = _numbered([one.domain or one.source for one in functions])
        self._output_kinds, self._input_kinds = _kinds(outputs), _kinds(inputs)
        self._output_forms, self._input_forms = _forms(outputs), _forms(inputs)
        self._nesting = np.array(
            [min(nesting(one.path), _MAX_NESTING) / _MAX_NESTING for one in outputs], np.float32
        )
        self._repeated = np.array(["[]" in one.path for one in outputs], np.float32)
        required = np.array([one.required for one in inputs], bool)
        self._need = np.where(required, 1.0, _OPTIONAL_NEED).astype(np.float32)
        self._echoes = self._repeats_own(required)

    def of(self, pairs: Pairs) -> Iterator[NDArray[np.float32]]:
        """Each kind of evidence but the last of `Weights`, in its order, in the shape of *pairs*.

        The givers of *pairs* are indexes of outputs, the takers of inputs.
        """
        giver, taker = pairs.of_givers(self.givers), pairs.of_takers(self.takers)
        by_function = self._by_function(pairs)
        same_name = pairs.of_givers(self._output_names) == pairs.of_takers(self._input_names)
        same_domain: NDArray[np.bool_] = self.domains[giver] == self.domains[taker]
        yield _positive(pairs.dot(self.output_texts, self.input_texts))
        yield _positive(pairs.dot(self.output_phrases, self.input_phrases))
        yield self._output_words.shared(self._input_words, pairs)
        yield same_name * pairs.of_takers(self._rarity)
        yield self._same_last_word(pairs)
        yield _positive(by_function.dot(self._functions, self.input_texts))
        yield _positive(self._between_functions(pairs).dot(self._functions, self._functions))
        yield same_domain.astype(np.float32)
        yield self._other_type(pairs)
        yield pairs.of_givers(self._echoes)
        yield pairs.of_givers(self._nesting)
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
            _positive(pairs.dot(self.input_texts, self.input_texts))
            + _positive(pairs.dot(self.input_phrases, self.input_phrases))
            + self._input_words.shared(self._input_words, pairs)
        ) / 3
        needs = np.zeros(len(functions), np.float32)
        np.maximum.at(needs, owners, likeness * self._need[own])
        return needs

    def likeness(self, some: Indexes, others: Indexes) -> NDArray[np.float32]:
        """Cosine of what is said of each of *some* functions and of the one beside it."""
        return Listed(some, others).dot(self._functions, self._functions)

    def _by_function(self, pairs: Pairs) -> Pairs:
        return type(pairs)(self.givers[pairs.givers], pairs.takers)

    def _between_functions(self, pairs: Pairs) -> Pairs:
        return type(pairs)(self.givers[pairs.givers], self.takers[pairs.takers])

    def _repeats_own(self, required: NDArray[np.bool_]) -> NDArray[np.float32]:
        own = set(
            zip(self.takers[required].tolist(), self._input_names[required].tolist(), strict=True)
        )
        given = zip(self.givers.tolist(), self._output_names.tolist(), strict=True)
        return np.array([one in own for one in given], np.float32)

    def _same_last_word(self, pairs: Pairs) -> NDArray[np.float32]:
        gives = pairs.of_givers(self._output_last_words)
        same: NDArray[np.bool_] = gives == pairs.of_takers(self._input_last_words)
        return same.astype(np.float32)

    def _other_type(self, pairs: Pairs) -> NDArray[np.float32]:
        """1 where both types are known and share nothing, or both formats are and differ.

        Text and numbers pass for each other.
        """
        gives, takes = pairs.of_givers(self._output_kinds), pairs.of_takers(self._input_kinds)
        fits = (gives & takes) != 0
        differs: NDArray[np.bool_] = (gives != 0) & (takes != 0) & ~fits
        given, taken = pairs.of_givers(self._output_forms), pairs.of_takers(self._input_forms)
        differs |= (given != 0) & (taken != 0) & (given != taken)
        return differs.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """Weighted words of parameters: shape ``(parameters, _MOST_WORDS)``, rows of length 1."""

    numbers: NDArray[np.int32]
    weights: NDArray[np.float32]

    def shared(self, others: _Words, pairs: Pairs) -> NDArray[np.float32]:
        """The cosine of the two sides of each of *pairs*."""
        total: NDArray[np.float32] = np.zeros((), np.float32)
        for mine in range(self.numbers.shape[1]):
            numbers = pairs.of_givers(self.numbers[:, mine])
            weights = pairs.of_givers(self.weights[:, mine])
            for theirs in range(others.numbers.shape[1]):
                same = numbers == pairs.of_takers(others.numbers[:, theirs])
                total = total + same * (weights * pairs.of_takers(others.weights[:, theirs]))
        return total


def _weighted_words(gives: Sequence[Naming], takes: Sequence[Naming]) -> tuple[_Words, _Words]:
    numbers: dict[str, int] = {}
    used = Counter(word for naming in (*gives, *takes) for word in set(naming.name))
    parameters = len(gives) + len(takes)
    rarity = {word: np.log1p(parameters / (1 + times)) for word, times in used.items()}
    most = float(np.log1p(parameters))

    def words_of(side: Sequence[Naming]) -> _Words:
        shape = (len(side), _MOST_WORDS)
        found, weights = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        for row, naming in enumerate(side):
            for column, (word, weight) in enumerate(_heaviest(naming)):
                found[row, column] = numbers.setdefault(word, len(numbers))
                weights[row, column] = weight * rarity.get(word, most)
        lengths = np.linalg.norm(weights, axis=1, keepdims=True)
        weights /= np.where(lengths > 0, lengths, 1)
        return _Words(found, weights)

    return words_of(gives), words_of(takes)


def _heaviest(naming: Naming) -> list[tuple[str, float]]:
    factor = _GENERIC_FACTOR if naming.is_generic else 1.0
    weights = dict.fromkeys(naming.name, 1.0)
    for words, weight in ((naming.owner, _OWNER_WEIGHT), (naming.other, _OTHER_WEIGHT)):
        for word in words:
            weights.setdefault(word, weight * factor)
    return sorted(weights.items(), key=lambda item: -item[1])[:_MOST_WORDS]


def _rarity(output_names: Indexes, input_names: Indexes, givers: Indexes) -> NDArray[np.float32]:
    """For each input: 1 when hardly a function gives something of its name, 0 when all do."""
    functions = len(np.unique(givers))
    by_function = np.unique(np.stack([output_names, givers]), axis=1)[0]
    names = int(max(output_names.max(initial=0), input_names.max(initial=0))) + 1
    giving = np.bincount(by_function, minlength=names)[input_names]
    rarity: NDArray[np.float64] = np.log1p(functions / (1 + giving)) / np.log1p(functions)
    return rarity.astype(np.float32)


def _kinds(parameters: Sequence[Parameter]) -> NDArray[np.int8]:
    """The types of each as bits: text and numbers are one, as they are written alike."""
    return np.array([_kind_bits(one.kinds) for one in parameters], np.int8)


def _forms(parameters: Sequence[Parameter]) -> NDArray[np.int8]:
    """The format of each as a number; 0 where there is none that tells things apart."""
    return np.array([_FORMS.get(one.form, 0) for one in parameters], np.int8)


def _kind_bits(kinds: Iterable[str]) -> int:
    bits = {"string": 1, "integer": 1, "number": 1, "boolean": 2, "object": 4}
    return int(np.bitwise_or.reduce([bits.get(kind, 0) for kind in kinds] or [0]))


def _numbered(*sides: Sequence[Hashable]) -> list[Indexes]:
    """The values of all *sides* as numbers: the same value, the same number."""
    numbers: dict[Hashable, int] = {}
    return [
        np.array([numbers.setdefault(value, len(numbers)) for value in side], np.int64)
        for side in sides
    ]


def _embedded(embedder: Embedder, *sides: Sequence[str]) -> list[Rows]:
    numbers = _numbered(*sides)
    distinct = dict.fromkeys(text for side in sides for text in side)
    vectors = embedder.embed(list(distinct))
    return [Rows(vectors, number) for number in numbers]


def _embedded_by_word(embedder: Embedder, *sides: Sequence[str]) -> list[Rows]:
    """A phrase is the mean of its words: few words make up many phrases, and embed in no time."""
    distinct = dict.fromkeys(phrase for side in sides for phrase in side)
    words = dict.fromkeys(word for phrase in distinct for word in phrase.split())
    of_words = dict(zip(words, embedder.embed(list(words)), strict=True)) if words else {}
    (of_one,) = {vector.shape for vector in of_words.values()} or {(1,)}
    vectors = np.zeros((len(distinct), *of_one), np.float32)
    for row, phrase in zip(vectors, distinct, strict=True):
        for word in phrase.split():
            row += of_words[word]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return [Rows(vectors, number) for number in _numbered(*sides)]


def _function_text(function: Function) -> str:
    first = re.split(r"(?<=[.!?])\s", said_by(function.description), maxsplit=1)[0]
    name = name_words(function.original_name or function.name)
    return f"{name}: {first}"[:_FUNCTION_TEXT]


def _positive(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(cosines, 0, out=cosines)
