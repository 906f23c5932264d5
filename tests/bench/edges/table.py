"""The right producer of each input: how often each scorer puts it first, set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from simkit.graph.embed import CachedEmbedder, Embedder, default_cache_path
from simkit.graph.minilm import MiniLM
from simkit.graph.rivals import Rivals
from simkit.traces.functions import Function
from tests.bench.edges.gold import Gold, questions_about
from tests.bench.edges.labelled_sets import DATA, SETS
from tests.bench.edges.left_out import OTHERS_LABELS, rivals_in, weights_without
from tests.bench.edges.openapi_paths import labelled_documents
from tests.bench.edges.ranks import Ranked, mean, ranked
from tests.bench.edges.scorers import PAPERS_RULE, Scorer, Weighed, scorers
from tests.bench.row import Row

_AIM = "at least 1.20, loses on none"
_OPENAPI = "OpenAPI paths"
_CAPTION = """\
Hit@1 / hit@5 / MRR in percent over the input parameters asked about, among all functions of the \
catalog but the input's own. Equal scores are in random order, so constant ones are worth chance; \
of several right producers the best ranked counts. "simkit" are the weights that come with it, \
fitted to all of these labels; "others' labels" are fitted, from equal ones, to those of the other \
sets and of OpenAPI paths. The means leave out TaskBench, whose links join every ordered pair of \
tools, so that any ranking is right, and OpenAPI paths, a mean over documents, as their labels are \
by rule."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One labelled set."""

    name: str
    counts: bool
    """In the means over the sets."""
    gold: Gold
    answers: dict[str, list[Ranked]]
    """By scorer, in the order of the table: one for each question."""


def measure() -> list[Row]:
    """Print the table of sets and scorers; return the means beside that of the paper's rule."""
    embedder = CachedEmbedder(MiniLM(), default_cache_path())
    catalogs = {labelled.name: labelled.functions() for labelled in SETS}
    golds = {one.name: questions_about(catalogs[one.name], one.feedings()) for one in SETS}
    documents = list(labelled_documents(DATA / "openapi" / "specs.jsonl.gz"))
    taught = {
        one.name: rivals_in(catalogs[one.name], golds[one.name], embedder)
        for one in SETS
        if one.measures
    } | {one.name: rivals_in(one.functions, one.gold, embedder) for one in documents}
    measured = [
        _measured(one.name, one.measures, catalogs[one.name], golds[one.name], taught, embedder)
        for one in SETS
    ]
    by_rule = [
        _measured(one.name, False, one.functions, one.gold, taught, embedder) for one in documents
    ]
    counting = [one for one in measured if one.counts]
    means = {
        name: mean([mean(one.answers[name]) for one in counting]) for name in measured[0].answers
    }
    _print(measured, by_rule, means)
    return [_row(name, means, counting) for name in means if name != PAPERS_RULE]


def _print(
    measured: Sequence[Measured], by_rule: Sequence[Measured], means: Mapping[str, Ranked]
) -> None:
    counting = [one for one in measured if one.counts]
    table = Table("set", "asked", "pairs", "outputs", *means, caption=_CAPTION)
    for one in measured:
        cells = (_cell(mean(answers)) for answers in one.answers.values())
        table.add_row(one.name, *_found(one.gold), *cells)
    asked = sum(len(one.gold.questions) for one in by_rule)
    paths = (mean([mean(one.answers[name]) for one in by_rule]) for name in means)
    table.add_row(f"{_OPENAPI} ({len(by_rule)})", f"{asked}", "", "", *map(_cell, paths))
    table.add_section()
    table.add_row("mean of the sets", "", "", "", *map(_cell, means.values()))
    pooled = (mean([answer for one in counting for answer in one.answers[name]]) for name in means)
    table.add_row("mean of the questions", "", "", "", *map(_cell, pooled))
    console = Console()
    console.print(table)
    for one in measured:
        for pair in one.gold.missing:
            line = f"{one.name}: not in its catalog: {pair}"
            console.print(line, markup=False, highlight=False)


def _measured(
    name: str,
    counts: bool,
    functions: Sequence[Function],
    gold: Gold,
    taught: Mapping[str, Rivals],
    embedder: Embedder,
) -> Measured:
    weights = weights_without(name, taught)
    compared: list[Scorer] = [*scorers(embedder), Weighed(embedder, weights, OTHERS_LABELS)]
    inputs = [question.input for question in gold.questions]
    answers = {}
    for scorer in compared:
        answers[scorer.name] = [
            ranked(row, question.producers, excluded=question.input.function)
            for row, question in zip(scorer.scores(functions, inputs), gold.questions, strict=True)
        ]
    return Measured(name, counts, gold, answers)


def _found(gold: Gold) -> tuple[str, str, str]:
    """Questions, and how many of the labelled pairs and outputs the catalog has."""
    return (
        f"{len(gold.questions)}",
        f"{gold.pairs} of {gold.pairs + len(gold.missing)}",
        f"{gold.outputs_found} of {gold.outputs_known}" if gold.outputs_known else "not told",
    )


def _cell(result: Ranked) -> str:
    figures = (result.hit_at_1, result.hit_at_5, result.reciprocal_rank)
    return " / ".join(f"{100 * figure:.0f}" for figure in figures)


def _row(name: str, means: Mapping[str, Ranked], counting: Sequence[Measured]) -> Row:
    loses = [one.name for one in counting if _hits(one, name) < _hits(one, PAPERS_RULE)]
    return Row(
        what=f"right producer ranked first, mean of the sets: {name}",
        value=100 * means[name].hit_at_1,
        baseline=100 * means[PAPERS_RULE].hit_at_1,
        baseline_name=PAPERS_RULE,
        unit="%",
        aim=_AIM if name == OTHERS_LABELS else "",
        note=f"loses on {', '.join(loses) or 'none'}",
    )


def _hits(one: Measured, scorer: str) -> float:
    return mean(one.answers[scorer]).hit_at_1
