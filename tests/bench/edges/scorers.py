"""Ways to score how likely a function's result feeds an input; the default and its rivals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simkit.graph.affinity import DEFAULT
from simkit.graph.embed import Embedder
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.parameters import Parameter, inputs_of, name_words, outputs_of, parameter_text
from simkit.graph.producers import best_producers
from simkit.traces.functions import Function
from tests.bench.edges.gold import Input

Scores = NDArray[Any]
_DECIMALS = 6


class Scorer(Protocol):
    """One way to score."""

    @property
    def name(self) -> str: ...

    def scores(self, functions: Sequence[Function], inputs: Sequence[Input]) -> Scores:
        """How likely each function feeds each input: shape ``(inputs, functions)``.

        *inputs* are some of those of *functions*; a score may depend on all of the catalog
        but not on which of its inputs are asked for.
        """
        ...


class SameName:
    """2 for a function with an output of exactly the input's name, 1 for the same words."""

    name = "same name"

    def scores(self, functions: Sequence[Function], inputs: Sequence[Input]) -> Scores:
        outputs = outputs_of(functions)
        names = [_leaf(output.path) for output in outputs]
        words = [name_words(name) for name in names]
        rows = np.zeros((len(inputs), len(outputs)))
        for row, wanted in zip(rows, inputs, strict=True):
            wanted_words = name_words(wanted.name)
            row[[at for at, one in enumerate(words) if one and one == wanted_words]] = 1
            row[[at for at, one in enumerate(names) if one == wanted.name]] = 2
        return _best_of_each(rows, outputs, len(functions))


class TfIdf:
    """Cosine of the TF-IDF vectors of names and descriptions, the closest output counts."""

    name = "TF-IDF"

    def scores(self, functions: Sequence[Function], inputs: Sequence[Input]) -> Scores:
        outputs = outputs_of(functions)
        taken = [_named(_leaf(one.path), one.text) for one in inputs_of(functions)]
        given = [_named(_leaf(one.path), one.text) for one in outputs]
        asked = [_named(one.name, _text_of(functions, one)) for one in inputs]
        vectors = _tf_idf(given, asked, corpus=[*taken, *given])
        return _best_of_each(
            vectors[len(given) :] @ vectors[: len(given)].T, outputs, len(functions)
        )


PAPERS_RULE = "paper's rule, MiniLM"


class EmbeddedTexts:
    """Cosine of the embedded descriptions and types, the closest output counts.

    After ToolMind (arXiv 2511.15718, section 3.1).
    """

    def __init__(self, embedder: Embedder, name: str) -> None:
        self._embedder = embedder
        self.name = name

    def scores(self, functions: Sequence[Function], inputs: Sequence[Input]) -> Scores:
        outputs = outputs_of(functions)
        given = self._embedder.embed([one.text for one in outputs])
        asked = self._embedder.embed([_text_of(functions, one) for one in inputs])
        return _best_of_each(asked @ given.T, outputs, len(functions))


class Weighed:
    """simkit's own: all the evidence there is, weighed."""

    def __init__(self, embedder: Embedder, weights: Weights, name: str) -> None:
        self._embedder = embedder
        self._weights = weights
        self.name = name

    def scores(self, functions: Sequence[Function], inputs: Sequence[Input]) -> Scores:
        taken = inputs_of(functions)
        evidence = Evidence(functions, outputs_of(functions), taken, self._embedder)
        position = {(one.function, one.path): at for at, one in enumerate(taken)}
        asked = [position[one.function, one.name] for one in inputs]
        wanted = np.array(sorted(asked), np.int64)
        found = best_producers(evidence, self._weights, keep=len(functions), inputs=wanted)
        scores = np.full((len(taken), len(functions)), -np.inf)
        scores[found.input, found.function] = found.strength
        return scores[asked]


def _text_of(functions: Sequence[Function], wanted: Input) -> str:
    schema = functions[wanted.function].parameters["properties"][wanted.name]
    return parameter_text(wanted.name, schema)


def _leaf(path: str) -> str:
    """The last name in *path*: ``tracks[].id`` gives ``id``."""
    return path.rsplit(".", 1)[-1].removesuffix("[]")


def _best_of_each(by_output: Scores, outputs: Sequence[Parameter], functions: int) -> Scores:
    """Shape ``(rows, outputs)`` to ``(rows, functions)``: each function's largest."""
    owners = [output.function for output in outputs]
    best = np.full((len(by_output), functions), -np.inf)
    # Rounded, as equal texts in other places of a product differ in the last digits.
    np.maximum.at(best.T, owners, by_output.T.round(_DECIMALS))
    return best


def _named(name: str, text: str) -> Counter[str]:
    return Counter(name_words(f"{name} {text}").split())


def _tf_idf(*texts: Sequence[Counter[str]], corpus: Sequence[Counter[str]]) -> Scores:
    """One row of length 1 (or 0) for each of *texts*, all in order.

    A word counts 1 + log(times) in its text, times log(texts / texts that have it).
    """
    having = Counter(word for words in corpus for word in words)
    column = {word: at for at, word in enumerate(having)}
    rows = [words for some in texts for words in some]
    vectors = np.zeros((len(rows), len(column)), np.float32)
    for row, words in zip(vectors, rows, strict=True):
        for word, times in words.items():
            if word in column:
                row[column[word]] = (1 + math.log(times)) * math.log(len(corpus) / having[word])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def scorers(embedder: Embedder) -> list[Scorer]:
    """What is compared, in the order of the table; the paper's rule is `PAPERS_RULE`."""
    return [
        SameName(),
        TfIdf(),
        EmbeddedTexts(embedder, PAPERS_RULE),
        Weighed(embedder, DEFAULT.weights, "simkit"),
    ]
