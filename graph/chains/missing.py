"""Taking away what a conversation would need: Magnet's Split (arXiv 2503.07826), and irrelevance.

What is left to do right is to decline, or to ask.
"""

from __future__ import annotations

import random
from collections import Counter

from simkit.graph.chains.draft import Draft, DraftStep
from simkit.graph.chains.surroundings import Surroundings

_LONGEST_IRRELEVANT = 3
"""Things asked for in vain, at most."""
_OFFERED = (2, 8)
"""Functions on offer that are all of no use, at least and at most, where there are so many."""


def withhold(draft: Draft, around: Surroundings, draw: random.Random) -> bool:
    """Add a step somewhere whose function is not to be offered.

    No function of the chain does the like. False, and nothing added, where the surroundings
    have no such function.
    """
    chain = draft.functions()
    found = (one for one in around.nearby(chain, draw) if not around.alike(one, chain))
    function = next(found, None)
    if function is None:
        return False
    draft.steps.insert(draw.randint(0, len(draft.steps)), DraftStep([function]))
    draft.withheld.append(function)
    return True


def hold_back(draft: Draft, around: Surroundings, draw: random.Random) -> bool:
    """Mark a required parameter that the user is to give only when asked for it.

    Only one that nothing in the chain supplies, and that no other function takes by the same
    name: the user would give it there. Where there is a choice, one that no function at all
    supplies, as nobody knows an identifier by heart. False where there is none.
    """
    taken = Counter(name for one in draft.functions() for name in around.takes(one))
    chances: list[tuple[DraftStep, str]] = []
    known_by_heart: list[tuple[DraftStep, str]] = []
    for position, step in enumerate(draft.steps):
        if not step.is_plain:
            continue
        (function,) = step.functions
        in_chain = around.best_feeders(function, draft.functions(slice(position)))
        anywhere = around.fed(function)
        own = [
            (step, name)
            for name in around.required(function)
            if name not in in_chain and taken[name] == 1
        ]
        chances += own
        known_by_heart += [chance for chance in own if chance[1] not in anywhere]
    if not chances:
        return False
    step, name = draw.choice(known_by_heart or chances)
    step.when_asked.append(name)
    return True


def useless_functions(draft: Draft, around: Surroundings, draw: random.Random) -> list[int]:
    """Cut *draft* short, withhold all of it, and find functions that are of no use for it.

    Empty, and nothing changed, where the graph has none: it is too small, or of one piece.
    """
    steps = draft.steps[: draw.randint(1, _LONGEST_IRRELEVANT)]
    wanted = draw.randint(*_OFFERED)
    chain = [function for step in steps for function in step.all]
    found: dict[int, None] = {}
    for function in around.far_off(chain, draw):
        found[function] = None
        if len(found) == wanted:
            break
    if found:
        draft.steps, draft.withheld = steps, chain
    return list(found)
