"""Whether a graph was made by a rule: edges that two rules scored do not mix or compare."""

from __future__ import annotations

from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.edge_rules import AffinityRule, EdgeRule, PapersRule
from simkit.graph.embed import Embedder
from simkit.graph.graph_file import GraphError, StoredGraph

_OWN_WEIGHTS = AffinityRule().name


def check_rule(stored: StoredGraph, rule: EdgeRule, embedder: Embedder) -> None:
    """Whether *rule* and *embedder* made the edges of *stored*.

    Raises:
        GraphError: They did not.
    """
    if _are_weights(rule.name) and _are_weights(stored.scorer):
        _check_weights(stored.scorer, rule.name)
    for what, wanted, found in (
        ("rule", rule.name, stored.scorer),
        ("embedder", embedder.name, stored.embedder),
        ("threshold", rule.threshold(embedder), stored.threshold),
    ):
        if wanted != found:
            raise GraphError(
                f"The graph was built with the {what} {found!r}, not {wanted!r}: their edges do "
                f"not mix. Ask for {found!r}, or build the graph again."
            )


def weights_of(stored: StoredGraph, given: Affinity | None) -> Affinity | None:
    """The weights that scored the edges of *stored*; None where the paper's rule did.

    Args:
        given: Weights from a file; None for simkit's own.

    Raises:
        GraphError: Other weights than those scored them, or *given* ones and no weights did.
    """
    if stored.scorer == PapersRule().name:
        if given is not None:
            raise GraphError(
                f"The graph was built with the rule {stored.scorer!r}, which takes no weights. "
                "Leave --affinity out."
            )
        return None
    affinity = DEFAULT if given is None else given
    _check_weights(stored.scorer, AffinityRule(affinity).name)
    return affinity


def _check_weights(found: str, wanted: str) -> None:
    if found == wanted:
        return
    mend = (
        "Leave --affinity out"
        if found == _OWN_WEIGHTS
        else "Name the file of its weights with --affinity FILE (affinity in [graph])"
    )
    raise GraphError(
        f"The graph was built with {_said(found)}, not {_said(wanted)}: their scores do not "
        f"compare. {mend}, or build the graph again."
    )


def _are_weights(scorer: str) -> bool:
    return scorer.partition(":")[0] == _OWN_WEIGHTS


def _said(scorer: str) -> str:
    return "simkit's own weights" if scorer == _OWN_WEIGHTS else f"the weights {scorer!r}"
