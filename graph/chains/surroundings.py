"""What lies around the functions of a chain: what feeds them, what is near and what is far."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from simkit.graph.function_graph import FunctionGraph
from simkit.graph.parameters import name_words

_TRIES = 80
"""Draws from the surroundings of a chain before there counts as nothing left in them."""
_ALIKE = 0.6
"""Share of words in common from which two functions may do the same."""
_TOLD = 200
"""Characters of a description that say what a function does."""


class Surroundings:
    """The graph as chain operations ask it; functions by index.

    What is asked about one chain takes well under a millisecond, whatever the graph's size;
    making it takes a sort of the edges.
    """

    def __init__(self, graph: FunctionGraph) -> None:
        self._graph = graph
        # Stable: edges to one function stay in the order of their sources.
        order = np.argsort(graph.targets, kind="stable")
        self._feeders = graph.sources[order]
        self._feeder_starts = np.searchsorted(
            graph.targets[order], np.arange(len(graph.functions) + 1)
        )
        self._domains = [graph.domain(index) for index in range(len(graph.functions))]
        members: dict[str, list[int]] = {}
        for index, domain in enumerate(self._domains):
            members.setdefault(domain, []).append(index)
        self._members = {domain: tuple(inside) for domain, inside in members.items()}
        self._words = lru_cache(maxsize=4096)(self._words_of)
        # Operations on one chain ask for the same pairs many times over.
        self.inputs_fed = lru_cache(maxsize=4096)(self._inputs_fed)
        """Inputs of a second function that a first can feed, to the score of the best output for
        each."""

    def name(self, function: int) -> str:
        """The name of *function*."""
        return self._graph.functions[function].name

    def takes(self, function: int) -> tuple[str, ...]:
        """All parameters of *function*."""
        return tuple(self._graph.functions[function].parameters.get("properties", ()))

    def required(self, function: int) -> tuple[str, ...]:
        """Parameters that a call of *function* must give."""
        return tuple(self._graph.functions[function].parameters.get("required", ()))

    def successors(self, function: int) -> list[int]:
        """What *function* can feed, strongest first."""
        found: list[int] = self._graph.successors(function).tolist()
        return found

    def feeders(self, function: int) -> list[int]:
        """What can feed *function*."""
        start, end = self._feeder_starts[function : function + 2]
        found: list[int] = self._feeders[start:end].tolist()
        return found

    def _inputs_fed(self, source: int, target: int) -> Mapping[str, float]:
        best: dict[str, float] = {}
        for feed in self._graph.feeds(source, target):
            best[feed.input] = max(feed.score, best.get(feed.input, 0.0))
        return best

    def joined(self, one: int, other: int) -> bool:
        """Whether either of two functions can feed the other."""
        return other in self.successors(one) or one in self.successors(other)

    def best_feeders(self, function: int, earlier: Sequence[int]) -> dict[str, int]:
        """Required inputs of *function* to the one of *earlier* that feeds each best.

        Of equals, the first; inputs that none feeds are left out.
        """
        required, able = set(self.required(function)), set(self.feeders(function))
        best: dict[str, tuple[float, int]] = {}
        for source in earlier:
            if source not in able:
                continue
            for name, score in self.inputs_fed(source, function).items():
                if name in required and score > best.get(name, (0.0, -1))[0]:
                    best[name] = score, source
        return {name: source for name, (_, source) in best.items()}

    def fed(self, function: int) -> set[str]:
        """Inputs of *function* that some function can feed, in the chain or not."""
        feeders = self.feeders(function)
        return {name for source in feeders for name in self.inputs_fed(source, function)}

    def same_domain(self, one: int, other: int) -> bool:
        """Whether two functions have the same domain, as far as anybody knows."""
        return bool(self._domains[one]) and self._domains[one] == self._domains[other]

    def alike(self, one: int, others: Iterable[int]) -> bool:
        """Whether *one* may do what one of *others* does, by the words that describe them."""
        return any(
            _overlap(mine, theirs) >= _ALIKE
            for other in others
            for mine, theirs in zip(self._words(one), self._words(other), strict=True)
        )

    def nearby(self, functions: Sequence[int], draw: random.Random) -> Iterator[int]:
        """Functions of the same domains or joined by an edge, at random and with repeats.

        None of *functions* is among them. It ends after a number of draws, found or not.
        """
        for _ in range(_TRIES):
            around = draw.choice(functions)
            joined = (*self.successors(around), *self.feeders(around))
            domain = self._domains[around]
            kin = self._members[domain] if domain else ()
            pool = draw.choice([pool for pool in (joined, kin) if pool] or [()])
            if pool and (found := draw.choice(pool)) not in functions:
                yield found

    def far_off(self, functions: Sequence[int], draw: random.Random) -> Iterator[int]:
        """Functions that have nothing to do with *functions*, of which some lie together.

        At random and with repeats; ends after a number of draws, found or not.
        """
        anywhere = (draw.randrange(len(self._domains)) for _ in range(_TRIES))
        there = next((one for one in anywhere if self._is_far(one, functions)), None)
        if there is None:
            return
        yield there
        for around in self.nearby((there,), draw):
            if self._is_far(around, functions):
                yield around

    def _is_far(self, one: int, functions: Sequence[int]) -> bool:
        return (
            self._domains[one] not in {self._domains[other] for other in functions}
            and not any(self.joined(one, other) for other in functions)
            and not self.alike(one, functions)
        )

    def _words_of(self, function: int) -> tuple[frozenset[str], frozenset[str]]:
        described = self._graph.functions[function]
        said = name_words(described.description[:_TOLD])
        return frozenset(name_words(described.name).split()), frozenset(said.split())


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    together = len(one | other)
    return len(one & other) / together if together else 0.0
