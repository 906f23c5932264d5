"""Scores edges with a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from rich.console import Console

from simkit.config import RunConfig
from simkit.drain import Drain
from simkit.graph.validation import PROMPTS
from simkit.graph.validation.questions import EdgeQuestion, EdgeScores, groups
from simkit.graph.validation.validator import EdgeValidator, GroupScores, occasion
from simkit.graph_models.asking import Asking
from simkit.graph_models.model import open_model
from simkit.graph_models.tally import Tally
from simkit.graph_models.watched import ask_shown
from simkit.spending import Spending
from simkit.traces.prompts import PromptSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredEdges:
    """What a model said about edges."""

    scores: tuple[EdgeScores | None, ...]
    """In the order of the questions; None without a usable reply."""
    tally: Tally
    complaint: str
    """Why a reply could not be used, one example."""
    calls: int
    """Paid for now; recorded replies are not among them."""
    spending: tuple[Spending, ...]


async def validate(
    questions: Sequence[EdgeQuestion],
    config: RunConfig,
    journal: Path,
    *,
    drain: Drain | None = None,
    console: Console | None = None,
) -> ScoredEdges:
    """Have a model score *questions*: edges of a graph, or candidates for it.

    Args:
        questions: Those of one source should stand together: they share requests.
        config: From `config_for`, for the judge.
        journal: Keeps every reply; with it the same questions cost nothing the next time.

    Raises:
        AccountProblem: A provider cannot be used until a person acts.
        ConfigError, StoreError: As for `open_model`.

    Safe to cancel; what was replied is recorded.
    """
    asked = list(groups(questions))
    tally = Tally(things="edges", wanted=len(questions), started_at=anyio.current_time())
    async with open_model(config, "judge", journal, drain or Drain(), groups=len(asked)) as model:
        voice = model.voice
        if voice.temperature is None:
            voice = replace(voice, temperature=0.0)  # it should say the same thing twice
        asking: Asking[EdgeQuestion, GroupScores] = Asking(
            groups=asked,
            number=lambda group: occasion(group).number,
            ask=EdgeValidator(voice, PromptSet(PROMPTS)).score,
            answered=lambda reply: len(reply.scores) - reply.scores.count(None),
            model=model,
            tally=tally,
        )
        await ask_shown(asking, console)
        scores: list[EdgeScores | None] = []
        for index, group in enumerate(asked):
            reply = asking.replies.get(index)
            scores += [None] * len(group) if reply is None else reply.scores
        complaints = (reply.complaint for reply in asking.replies.values() if reply.complaint)
        return ScoredEdges(
            scores=tuple(scores),
            tally=tally,
            complaint=min(complaints, default=""),
            calls=model.calls,
            spending=model.budget.spending(),
        )
