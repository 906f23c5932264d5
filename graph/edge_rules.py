"""When there is an edge: the rule of the paper, and simkit's own, which is the default."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.edges import SCORE_DECIMALS, similarity_edges
from simkit.graph.embed import Embedder
from simkit.graph.evidence import Evidence
from simkit.graph.linked import Feeds, joined
from simkit.graph.prepared import Prepared
from simkit.graph.producers import Producers, best_producers

_PRODUCERS = 40
"""Of an input, at most; fewer than edges may come in to a function that takes several."""
_DESCRIPTIVE_HANDICAP = 2.5
"""Taken from the weighted evidence for inputs like ``title`` and ``status``: the title of one
thing hardly ever goes into another, and the same words are everywhere."""
_ENDING_HANDICAP = 2.5
"""Likewise for what comes of deleting something: it is gone."""
_ALIKE = 0.95
"""Functions whose names and descriptions are as alike as this do the same thing twice."""


class EdgeRule(Protocol):
    """Decides which outputs feed which inputs."""

    @property
    def name(self) -> str:
        """What graphs remember: edges of two rules do not mix."""
        ...

    def threshold(self, embedder: Embedder) -> float:
        """What the score of an edge exceeds."""
        ...

    def feeds(self, prepared: Prepared, *, first_new: int = 0, max_out_edges: int) -> Feeds:
        """What feeds what, among the functions of *prepared*.

        Args:
            first_new: Only pairs that a function from this index on has a part in.
            max_out_edges: A source's edges beyond these are not needed.
        """
        ...


@dataclass(frozen=True, slots=True)
class PapersRule:
    """Cosine of descriptions and types above a threshold (arXiv 2511.15718, section 3.1)."""

    min_cosine: float | None = None
    """None: the embedder's own."""
    name: str = field(default="similarity", init=False)

    def threshold(self, embedder: Embedder) -> float:
        """The cosine that an edge's score exceeds; less where outputs are inferred."""
        return embedder.default_min_cosine if self.min_cosine is None else self.min_cosine

    def feeds(self, prepared: Prepared, *, first_new: int = 0, max_out_edges: int) -> Feeds:
        """One feed an edge, its closest pair; yes-or-no inputs are the user's to say.

        Raises:
            ValueError: The cosine is out of range.
        """
        outputs, inputs, embedder = prepared.outputs, prepared.inputs, prepared.embedder
        asked = np.flatnonzero([not one.is_yes_or_no for one in inputs])
        taken = [inputs[at] for at in asked.tolist()]
        vectors = embedder.embed([one.text for one in (*outputs, *taken)])
        found = similarity_edges(
            outputs,
            taken,
            vectors[: len(outputs)],
            vectors[len(outputs) :],
            min_cosine=self.threshold(embedder),
            max_out_edges=max_out_edges,
            max_in_edges=len(prepared.functions),
        )
        feeds = Feeds(found.source, found.target, found.output, asked[found.input], found.score)
        return feeds.at((feeds.source >= first_new) | (feeds.target >= first_new))


@dataclass(frozen=True, slots=True)
class AffinityRule:
    """All the evidence there is, weighed; see `simkit.graph.evidence`."""

    affinity: Affinity = DEFAULT
    min_score: float = 0.5

    @property
    def name(self) -> str:
        """``"affinity"``, and of other weights than simkit's own also which these are."""
        return "affinity" if self.affinity == DEFAULT else f"affinity:{_digest(self.affinity)}"

    def threshold(self, embedder: Embedder) -> float:
        """The score that an edge exceeds, whatever the embedder."""
        return self.min_score

    def feeds(self, prepared: Prepared, *, first_new: int = 0, max_out_edges: int) -> Feeds:
        """The best output of each of the strongest producers of each input.

        What only the user can say is fed by nothing: yes or no, how many on a page, and a
        choice among values that the output does not have. Functions that do the same feed
        each other nothing.
        """
        if not 0 <= self.min_score < 1:
            raise ValueError(f"min_score must be in [0, 1), not {self.min_score}.")
        evidence = prepared.evidence
        asked = np.flatnonzero(evidence.facts.inputs.askable)
        is_new = evidence.takers[asked] >= first_new
        parts = [self._best(evidence, asked[is_new], None)]
        if first_new:
            new_outputs = np.flatnonzero(evidence.givers >= first_new)
            parts.append(self._best(evidence, asked[~is_new], new_outputs))
        return joined(*(self._of(evidence, part) for part in parts))

    def _best(
        self, evidence: Evidence, inputs: NDArray[np.int64], outputs: NDArray[np.int64] | None
    ) -> Producers:
        return best_producers(
            evidence,
            self.affinity.weights,
            keep=_PRODUCERS,
            inputs=inputs,
            outputs=outputs,
            at_least=self.affinity.strength(self.min_score),
        )

    def _of(self, evidence: Evidence, found: Producers) -> Feeds:
        descriptive, ends = evidence.facts.inputs.descriptive, evidence.facts.functions.ends
        strength = (
            found.strength
            - _DESCRIPTIVE_HANDICAP * descriptive[found.input]
            - _ENDING_HANDICAP * ends[found.function]
        )
        score = self.affinity.scores(strength).round(SCORE_DECIMALS)
        strong = score > self.min_score
        found, score = found.at(strong), score[strong]
        fits = _shares_choices(evidence, found)
        fits &= evidence.likeness(found.function, evidence.takers[found.input]) < _ALIKE
        found = found.at(fits)
        return Feeds(
            found.function, evidence.takers[found.input], found.output, found.input, score[fits]
        )


def _digest(affinity: Affinity) -> str:
    """Eight hexadecimal digits that tell the numbers of one affinity from those of another."""
    return hashlib.blake2b(orjson.dumps(asdict(affinity)), digest_size=4).hexdigest()


def _shares_choices(evidence: Evidence, found: Producers) -> NDArray[np.bool_]:
    """Where an input is free, or the output is one of the values that it may have."""
    fits = ~evidence.facts.inputs.choice[found.input]
    for at in np.flatnonzero(~fits).tolist():
        given, taken = evidence.outputs[found.output[at]], evidence.inputs[found.input[at]]
        fits[at] = not taken.choices.isdisjoint(given.choices)
    return fits
