"""What a run holds, for people (tables) and for machines (JSON)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.bookkeeping import Bookkeeping, pricing_of
from simkit.books_tables import books_json, books_tables
from simkit.config import RunConfig
from simkit.model_families import related_judges
from simkit.one_run import open_run
from simkit.rendering import plain_text
from simkit.session import KEY, Session, sessions_of
from simkit.sessions_tables import sessions_tables
from simkit.standing import PROMPTS, YIELDS
from simkit.tables import kept_table, share_table, value_table
from simkit.traces.agreement import Agreement
from simkit.traces.counts import RunCounts
from simkit.traces.dialogue_counts import DialogueCounts
from simkit.traces.figures import read_figures
from simkit.traces.rulings import JudgesRulings
from simkit.traces.run_reader import RunReader
from simkit.traces.turn_kinds import TurnKindCounts
from simkit.traces.verdict_sets import RUN_VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run at one moment."""

    directory: Path
    verdicts: str
    """The set of verdicts that decides what was kept."""
    counts: RunCounts
    turn_kinds: TurnKindCounts
    dialogues: DialogueCounts
    books: Bookkeeping
    facts: Mapping[str, str]
    """What the run noted about itself as a whole."""
    sessions: tuple[Session, ...] = ()
    """What each process measured that played a part of it."""
    warnings: tuple[str, ...] = ()
    """Lines about judges that may not be worth their name."""


def read_report(directory: Path, *, verdicts: str = RUN_VERDICTS) -> Report:
    """Count what the run in *directory* holds; works also while it goes on.

    Parses the messages of kept conversations, and no reply: about ten seconds for 100,000.

    Args:
        verdicts: The set that decides what was kept.

    Raises:
        RunDirectoryError: There is no run of this version.
        ConfigError: Its configuration cannot be read.
        StoreError: Its database cannot be read, holds conversations of another run, or has no
            such set of verdicts.
    """
    run, config = open_run(directory)
    with RunReader(run.database_path) as reader:
        reader.check_verdicts(verdicts)
        meta = reader.meta()
    facts = {k: v for k, v in meta.items() if not k.startswith((YIELDS, f"{KEY} "))}
    wanted = config.run.conversations
    # Of other sets nobody has noted it for machines; their verdicts tell where it dropped some.
    compared = verdicts == RUN_VERDICTS and config.filters.near_duplicates > 0
    figures = read_figures(run.database_path, wanted=wanted, verdicts=verdicts, compared=compared)
    pricing = pricing_of(config, (entry.model for entry in figures.books.entries))
    return Report(
        directory=run.path,
        verdicts=verdicts,
        counts=figures.counts,
        turn_kinds=figures.turn_kinds,
        dialogues=figures.dialogues,
        books=Bookkeeping(figures.books, pricing),
        facts=facts,
        sessions=sessions_of(meta),
        warnings=tuple(_warnings(figures.counts.rulings, config)),
    )


def _warnings(rulings: Sequence[JudgesRulings], config: RunConfig) -> Iterator[str]:
    yield from related_judges((judge.model for judge in rulings), config)
    yield from filter(None, (judge.one_sided for judge in rulings))


def report_json(report: Report) -> str:
    """All figures as one JSON object."""
    figures = {
        "directory": str(report.directory),
        "verdicts": report.verdicts,
        **asdict(report.counts),
        "turn_kinds": asdict(report.turn_kinds),
        "dialogues": asdict(report.dialogues),
        "agreement": report.counts.agreement.as_json(),
        "warnings": report.warnings,
        "calls_per_conversation": _ratio(report.counts.calls, report.counts.played),
        "books": books_json(report.books),
        "facts": dict(report.facts),
        "sessions": [asdict(session) for session in report.sessions],
    }
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def render_report(report: Report) -> RenderableType:
    """The figures as tables; those without a row are left out."""
    counts = report.counts
    tables = [
        *books_tables(report.books),
        kept_table("passed, by stage of the filters", counts.stage_passed, counts.stage_reached),
        kept_table("conversations by kind, kept", counts.kept_kinds, counts.kinds),
        *_dialogue_tables(report.dialogues),
        share_table("not ended by the user", counts.causes, counts.played),
        share_table(
            "assistant turns of kept conversations",
            {"trained on": counts.trained_turns, "masked": counts.masked_turns},
            counts.trained_turns + counts.masked_turns,
        ),
        share_table("masked because of", counts.mask_reasons, counts.masked_turns),
        share_table(
            "turns that are trained on", report.turn_kinds.of_turns, report.turn_kinds.turns
        ),
        share_table(
            "kept conversations with such a turn",
            _conversations_by_kind(report.turn_kinds),
            report.turn_kinds.conversations,
        ),
        value_table("judges of the panel on conversations", _agreement(counts.agreement)),
        value_table("model calls", _call_figures(counts)),
        *sessions_tables(report.sessions),
        value_table("about the run", _shown_facts(report.facts)),
    ]
    shown = [table for table in tables if table.row_count]
    title = f"run {plain_text(str(report.directory))}"
    if report.verdicts != RUN_VERDICTS:
        title += f", by the verdicts {plain_text(report.verdicts)}"
    warnings = [Text(f"warning: {plain_text(line)}", style="yellow") for line in report.warnings]
    return Group(Text(title, style="bold"), *shown, *warnings)


def _dialogue_tables(counts: DialogueCounts) -> Iterator[Table]:
    if counts.kinds.keys() - {"gradual"}:  # else nobody has asked for other ones
        yield kept_table("conversations by dialogue, kept", counts.kept_kinds, counts.kinds)
    for title, numbers in (
        ("messages of users that were refused", counts.reasked),
        ("faults put into tools", counts.faults),
    ):
        yield share_table(title, _spaced(numbers), sum(numbers.values()))
    disturbed = {
        "refused messages": (counts.with_reasked, counts.kept_with_reasked),
        "faults in tools": (counts.with_faults, counts.kept_with_faults),
    }
    yield kept_table(
        "conversations with any of these, kept",
        {name: kept for name, (_, kept) in disturbed.items()},
        {name: played for name, (played, _) in disturbed.items() if played},
    )


def _spaced(numbers: Mapping[str, int]) -> dict[str, int]:
    return {name.replace("_", " "): number for name, number in numbers.items()}


def _agreement(agreement: Agreement) -> dict[str, str]:
    share, kappa = agreement.unanimous_share, agreement.kappa
    if share is None:
        return {}
    return {
        "ruled on by at least two": f"{agreement.trajectories:,}",
        "unanimous": f"{share:.1%}",
        "Fleiss' kappa": "none: all rulings are the same" if kappa is None else f"{kappa:.2f}",
    }


def _conversations_by_kind(kinds: TurnKindCounts) -> dict[str, int]:
    return {**kinds.of_conversations, "without any call": kinds.without_calls}


def _call_figures(counts: RunCounts) -> dict[str, str]:
    return {
        "calls": f"{counts.calls:,}",
        "calls per conversation": f"{_ratio(counts.calls, counts.played):.1f}",
        "input tokens": f"{counts.input_tokens:,}",
        "output tokens": f"{counts.output_tokens:,}",
        "retried attempts": f"{counts.retried_attempts:,}",
    }


def _shown_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Those that people read."""
    return {name.replace("_", " "): value for name, value in facts.items() if name != PROMPTS}


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
