"""Completes the functions of a catalog with a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from rich.console import Console

from simkit.config import RunConfig
from simkit.drain import Drain
from simkit.graph.completion import PROMPTS
from simkit.graph.completion.batches import MOST_CHARACTERS, Incomplete, batches, incomplete
from simkit.graph.completion.completer import BatchCompletion, Completer, occasion
from simkit.graph_models.asking import Asking
from simkit.graph_models.model import open_model
from simkit.graph_models.tally import Tally
from simkit.graph_models.watched import ask_shown
from simkit.spending import Spending
from simkit.traces.functions import Function
from simkit.traces.prompts import PromptSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedCatalog:
    """A catalog after completion, and how that went."""

    functions: tuple[Function, ...]
    """All of them, in the order given; one without a usable reply is as it was."""
    filled: Counter[str]
    """What was written: descriptions, inputs, outputs and output fields."""
    too_large: int
    """Functions that a model was not asked about."""
    tally: Tally
    complaint: str
    """Why a reply could not be used, one example."""
    calls: int
    """Paid for now; recorded replies are not among them."""
    spending: tuple[Spending, ...]

    @property
    def whole(self) -> int:
        """Functions in which nothing was missing."""
        return len(self.functions) - self.too_large - self.tally.wanted


async def complete_functions(
    functions: Sequence[Function],
    config: RunConfig,
    journal: Path,
    *,
    drain: Drain | None = None,
    console: Console | None = None,
) -> CompletedCatalog:
    """Have a model write what is missing in *functions*.

    Args:
        config: From `config_for`, for the writer.
        journal: Keeps every reply; with it the same functions cost nothing the next time.

    Raises:
        AccountProblem: A provider cannot be used until a person acts.
        ConfigError, StoreError: As for `open_model`.

    Safe to cancel; what was replied is recorded.
    """
    missing = list(incomplete(functions))
    asked = list(batches(missing))
    wanted = sum(map(len, asked))
    tally = Tally(things="functions", wanted=wanted, started_at=anyio.current_time())
    async with open_model(config, "writer", journal, drain or Drain(), groups=len(asked)) as model:
        completer = Completer(model.voice, PromptSet(PROMPTS))
        asking: Asking[Incomplete, BatchCompletion] = Asking(
            groups=asked,
            number=lambda batch: occasion(batch).number,
            ask=completer.complete,
            answered=lambda reply: len(reply.functions),
            model=model,
            tally=tally,
        )
        await ask_shown(asking, console)
        replies = [asking.replies[index] for index in sorted(asking.replies)]
        return CompletedCatalog(
            functions=_with_completed(functions, replies),
            filled=_filled(asked, replies),
            too_large=sum(one.size > MOST_CHARACTERS for one in missing),
            tally=tally,
            complaint=next((reply.complaint for reply in replies if reply.complaint), ""),
            calls=model.calls,
            spending=model.budget.spending(),
        )


def _with_completed(
    functions: Sequence[Function], replies: Sequence[BatchCompletion]
) -> tuple[Function, ...]:
    by_name = {function.name: function for reply in replies for function in reply.functions}
    return tuple(by_name.get(function.name, function) for function in functions)


def _filled(
    asked: Sequence[Sequence[Incomplete]], replies: Sequence[BatchCompletion]
) -> Counter[str]:
    completed = {function.name for reply in replies for function in reply.functions}
    filled: Counter[str] = Counter()
    for one in (one for batch in asked for one in batch if one.function.name in completed):
        filled["descriptions"] += one.gaps.description
        filled["inputs"] += len(one.gaps.inputs)
        filled["outputs"] += one.gaps.outputs
        filled["output fields"] += len(one.gaps.output_fields)
    return +filled
