"""The scripted validator of edges and chains: shared words are shared worlds."""

from __future__ import annotations

from typing import Any

from simkit.standin.roles.language import content_words

HIGHEST = 9


def score_edges(question: dict[str, Any]) -> dict[str, Any]:
    """Two scores for each edge of *question*, as the validator's prompt has it."""
    source = question["source"]
    return {
        "edges": [
            {
                "number": edge["number"],
                "carries_over": max(map(_carries_over, edge["feeds"]), default=0),
                "plausible_path": _shared(_said(source), _said(edge["target"])),
            }
            for edge in question["edges"]
        ]
    }


def judge_chain(chain: list[dict[str, Any]]) -> dict[str, Any]:
    """1 when every function of *chain* shares a word with one before it."""
    known = content_words(_said(chain[0]))
    for function in chain[1:]:
        its = content_words(_said(function))
        if not known & its:
            return {"reason": f"{function['name']} has nothing to do with the rest", "verdict": 0}
        known |= its
    return {"reason": "the functions share a world", "verdict": 1}


def _carries_over(feed: dict[str, Any]) -> int:
    gives, takes = f"{feed['output']} {feed['output_is']}", f"{feed['input']} {feed['input_is']}"
    return _shared(gives, takes)


def _shared(one: str, other: str) -> int:
    """From 0 to `HIGHEST`: how much of the shorter text's words are in the longer one's."""
    words, others = content_words(one), content_words(other)
    shorter = min(len(words), len(others))
    return round(HIGHEST * min(1.0, 2 * len(words & others) / shorter)) if shorter else 0


def _said(function: dict[str, Any]) -> str:
    return f"{function['name']} {function['description']}"
