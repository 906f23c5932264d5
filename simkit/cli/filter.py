"""``simkit filter``: verdicts on conversations that are already there."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED
from simkit.cli.refilter import OPTIONS, Wanted, refilter_run
from simkit.printable import printable_line

if TYPE_CHECKING:
    from simkit.filter_file import FilterSummary
    from simkit.traces.foreign import ForeignFormat

SOME_REJECTED = 1
EXIT_CODES = (
    "Exit codes: 0 everything has its verdict, 1 some rows cannot be read (stderr says which and "
    "why), or a run could not be judged to the end, 2 usage or input error, 130 interrupted."
)


class ForeignFormatName(StrEnum):
    """What ``--format`` takes."""

    OPENAI = "openai"
    SHAREGPT = "sharegpt"
    TOOLMIND = "toolmind"
    TAU = "tau"


@flags.overriding(OPTIONS)
def filter_(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="Folder of a run, to be judged again.")
    ] = None,
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of a run's new verdicts; again if unset."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put them in the place of those with the name.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="CHECK", help="Leave out a rule or judge; repeatable."),
    ] = None,
    decontaminate: flags.Decontaminate = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="RUN.toml", help="Configuration that names the judge."),
    ] = None,
    given: flags.Given,
    conversations: Annotated[
        Path | None,
        typer.Option(
            "--in",
            metavar="FILE",
            help="Conversations: JSON Lines or one JSON array, plain or gzipped.",
        ),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Verdicts on --in, one a line, to be written."),
    ] = None,
    form: Annotated[
        ForeignFormatName | None,
        typer.Option("--format", help="Of the conversations; unset: told by the first row."),
    ] = None,
    rules_only: Annotated[
        bool, typer.Option("--rules-only", help="Ask no model; --in needs this.")
    ] = False,
    tools: Annotated[
        Path | None,
        typer.Option(
            "--tools", metavar="FILE", help="JSON list of tools, for rows that name none."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only warnings and errors.")] = False,
) -> None:
    """Judge a run again, or conversations that were made elsewhere.

    RUN: its stored conversations get a second set of verdicts, by the rules and its judge,
    or another one; what changed is shown, and `simkit export --verdicts NAME` goes by them.
    The run's own verdicts stay. A judge's replies are recorded in the run: one with the same
    model and prompts is not asked again. The run's budget does not count here, --budget-tokens
    and --budget-money do.

    --in FILE, by the rules alone. Formats: openai {"messages", "tools"}; sharegpt
    {"conversations", "tools", "system"} with from and value; toolmind {"conversations",
    "tools"} with role and content; tau, results of tau-bench with "traj". Each row gets a line
    {"id", "kept", "reasons", "turns"}, in the order of the file. Without an id of its own, a
    row's id is the name of the file up to the first dot, "-", and the number of the row from 0.

    "turns" has {"index", "ok", "reasons"} for each assistant message. "index" counts the
    entries of the row's own list from 0, system messages among them; so do the numbers in
    reasons, each {"check", "message"}.

    Rows that cannot be read get no line; they are told on stderr with line number (or index
    in the array, from 0) and reason. Calls without ids are given some and results without ids
    are linked to them in order; the summary says for how many rows.
    """
    about_a_run = Wanted(
        name=name,
        replace=replace,
        without=without or [],
        decontaminate=decontaminate,
        rules_only=rules_only,
        config=config,
        given=given,
    )
    about_a_file = {"--out": verdicts, "--format": form, "--tools": tools}
    if (run is None) == (conversations is None):
        raise typer.BadParameter("give either the folder of a run or --in", param_hint="'RUN'")
    if run is not None:
        _refuse([flag for flag, value in about_a_file.items() if value], goes_with="--in")
        refilter_run(run, about_a_run, as_json=as_json, quiet=quiet)
        return
    assert conversations is not None  # noqa: S101 - else there is a run
    _refuse(about_a_run.only_for_a_run, goes_with="RUN")
    if verdicts is None:
        raise typer.BadParameter("is needed with --in", param_hint="'--out'")
    summary = _filtered(
        conversations, form, verdicts, tools, decontaminate or [], rules_only=rules_only
    )
    _end(summary, verdicts, as_json=as_json, quiet=quiet)


def _refuse(options: list[str], *, goes_with: str) -> None:
    if options:
        raise typer.BadParameter(f"goes with {goes_with} only", param_hint=f"'{options[0]}'")


def _filtered(
    conversations: Path,
    form: ForeignFormatName | None,
    verdicts: Path,
    tools: Path | None,
    decontaminate: list[Path],
    *,
    rules_only: bool,
) -> FilterSummary:
    from simkit.filter_file import filter_file

    if not rules_only:
        raise typer.BadParameter(
            "is needed with --in: conversations from a file are judged by the rules alone",
            param_hint="'--rules-only'",
        )
    _check(conversations, "'--in'")
    if tools is not None:
        _check(tools, "'--tools'")
    _check_place(verdicts, conversations)
    chosen: ForeignFormat | None = None
    if form is not None:
        chosen = form.value
    try:
        summary = filter_file(
            conversations, chosen, verdicts, tools=tools, decontaminate=decontaminate
        )
    except KeyboardInterrupt:
        print(f"simkit: interrupted; {verdicts} is as it was", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if not summary.rows:
        print(f"simkit: there are no rows in {conversations}", file=sys.stderr)
    return summary


def _check(file: Path, option: str) -> None:
    if not file.exists() or file.is_dir():
        raise typer.BadParameter(f"there is no file {file}", param_hint=option)


def _check_place(verdicts: Path, conversations: Path) -> None:
    if verdicts.is_dir():
        raise typer.BadParameter(f"{verdicts} is a folder; name a file", param_hint="'--out'")
    if not verdicts.parent.is_dir():
        raise typer.BadParameter(
            f"there is no folder {verdicts.parent}; make it, or choose another place",
            param_hint="'--out'",
        )
    if verdicts.exists() and verdicts.samefile(conversations):
        raise typer.BadParameter(
            "is the file of the conversations; choose another place", param_hint="'--out'"
        )


def _end(summary: FilterSummary, verdicts: Path, *, as_json: bool, quiet: bool) -> None:
    """Say what was found, and exit with the code for it."""
    from rich.console import Console

    for row in summary.first_rejected:
        print(f"simkit: {row.position} {printable_line(row.reason)}; rejected", file=sys.stderr)
    if more := summary.rejected - len(summary.first_rejected):
        print(f"simkit: {more:,} more rows rejected", file=sys.stderr)
    if summary.repeated_ids:
        print(
            f"simkit: {summary.repeated_ids:,} rows have the id of an earlier row; tell their "
            "verdicts apart by the order of the file",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps(summary.as_json()))
    elif not quiet:
        Console().print(summary.as_tables())
        print(f"{verdicts}: {summary.kept + summary.dropped:,} verdicts")
    if summary.rejected:
        raise typer.Exit(SOME_REJECTED)
