"""What makes a chain more than one call after the other: branch, merge, insert.

Merge and Insert are Magnet's node operations (arXiv 2503.07826); a chain with a function that
two others feed is a sample of a directed acyclic graph, as in TaskBench (arXiv 2311.18760). A
walk along edges seldom holds functions that do not feed each other, or a value that comes out
of the blue, so an operation takes what it lacks from the graph: chains grow by it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from simkit.graph.chains.draft import Draft, DraftStep
from simkit.graph.chains.surroundings import Surroundings

_CHOICE = 5
"""Of the candidates for a place, strongest first, so many are drawn from."""


def branch(draft: Draft, around: Surroundings, draw: random.Random) -> None:
    """Let the chain end in a function that two earlier ones feed, by different inputs.

    Nothing happens where there is none.
    """
    joins = _joins(draft.functions(), around)
    if joins:
        function, feeders = draw.choice(joins[:_CHOICE])
        draft.steps.append(DraftStep([function]))
        draft.led_by[function] = set(feeders)


def _joins(chain: list[int], around: Surroundings) -> list[tuple[int, tuple[int, int]]]:
    """Functions that the chain does not hold, each with two of it that feed it."""
    feeding: dict[int, list[int]] = {}
    for source in chain:
        for target in around.successors(source):
            if target not in chain:
                feeding.setdefault(target, []).append(source)
    found: list[tuple[float, int, tuple[int, int]]] = []
    for target, sources in feeding.items():
        kin = any(around.same_domain(target, source) for source in sources)
        if len(sources) > 1 and kin and not around.alike(target, chain):
            found += _best_pair(target, sources, around)
    found.sort(key=lambda join: (-join[0], join[1]))
    return [(target, pair) for _, target, pair in found]


def _best_pair(
    target: int, sources: list[int], around: Surroundings
) -> Iterator[tuple[float, int, tuple[int, int]]]:
    """The two of *sources* that feed different inputs of *target* best, if there are two."""
    feeds = sorted(
        (-score, position, name)
        for position, source in enumerate(sources)
        for name, score in around.inputs_fed(source, target).items()
    )
    score, first, name = feeds[0]
    for other_score, other, other_name in feeds[1:]:
        if other != first and other_name != name:
            yield -score - other_score, target, (sources[first], sources[other])
            return


def merge(draft: Draft, around: Surroundings, draw: random.Random, rate: float) -> None:
    """Give a share *rate* of the steps a second function, to be called together with the first.

    It is a later one of the chain that can be brought forward, or else a function that what
    led to the first leads to as well. Neither of the two can feed the other.
    """
    position = 0
    while position < len(draft.steps):
        step = draft.steps[position]
        if draw.random() < rate and len(step.functions) == 1:
            _merge_later(draft, position, around) or _merge_sibling(draft, position, around, draw)
        position += 1


def _merge_later(draft: Draft, position: int, around: Surroundings) -> bool:
    step = draft.steps[position]
    before = set(draft.functions(slice(position)))
    for later in draft.steps[position + 1 :]:
        (other,) = later.functions
        joined = around.joined(step.functions[0], other)
        if not joined and draft.needs(other, around) <= before:
            draft.steps.remove(later)
            step.functions.append(other)
            return True
    return False


def _merge_sibling(draft: Draft, position: int, around: Surroundings, draw: random.Random) -> bool:
    step, chain = draft.steps[position], draft.functions()
    (function,) = step.functions
    leaders = sorted(draft.led_by.get(function, ()))
    led = [one for leader in leaders for one in around.successors(leader)]
    siblings = [
        one
        for one in dict.fromkeys(led or around.nearby([function], draw))
        if one not in chain
        and around.same_domain(one, function)
        and not around.joined(one, function)
        and not around.alike(one, chain)
    ]
    if not siblings:
        return False
    chosen = draw.choice(siblings[:_CHOICE])
    step.functions.append(chosen)
    draft.led_by[chosen] = {one for one in leaders if chosen in around.successors(one)}
    return True


def insert(draft: Draft, around: Surroundings, draw: random.Random, rate: float) -> None:
    """Let a share *rate* of the steps need a function that the user does not ask for.

    Either what the step before gives is all it was there for, and becomes a means to this one;
    or a function from the graph supplies what the user would have had to say.
    """
    position = 0
    while position < len(draft.steps):
        step = draft.steps[position]
        if draw.random() < rate and step.is_plain:
            ways = [_insert_earlier, _insert_producer]
            draw.shuffle(ways)
            size = len(draft.steps)
            any(way(draft, position, around, draw) for way in ways)
            position -= size - len(draft.steps)
        position += 1


def _insert_earlier(draft: Draft, position: int, around: Surroundings, draw: random.Random) -> bool:
    if not position or not draft.steps[position - 1].is_plain:
        return False
    step, before = draft.steps[position], draft.steps[position - 1]
    (function,), (means,) = step.functions, before.functions
    required = set(around.required(function))
    feeds = required & around.inputs_fed(means, function).keys()
    later = draft.functions(slice(position + 1, None))
    if not feeds or any(means in draft.needs(other, around) for other in later):
        return False
    step.implicit = [means]
    draft.steps.remove(before)
    return True


def _insert_producer(
    draft: Draft, position: int, around: Surroundings, draw: random.Random
) -> bool:
    step, chain = draft.steps[position], draft.functions()
    (function,) = step.functions
    fed = around.best_feeders(function, draft.functions(slice(position)))
    open_inputs = set(around.required(function)) - fed.keys()
    producers = [
        (-max(scores), one)
        for one in around.feeders(function)
        if one not in chain and around.same_domain(one, function)
        if (
            scores := [
                score
                for name, score in around.inputs_fed(one, function).items()
                if name in open_inputs
            ]
        )
        if not around.alike(one, chain)
    ]
    if not producers:
        return False
    _, chosen = draw.choice(sorted(producers)[:_CHOICE])
    step.implicit = [chosen]
    draft.led_by.setdefault(function, set()).add(chosen)
    return True
