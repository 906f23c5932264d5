"""The end of ``simkit tune`` with a rehearsal: what it prints and writes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simkit.cli.errors import RUN_FAILED
from simkit.cli.tune_end import print_result, write_config
from simkit.printable import printable_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simkit.config import RunConfig
    from simkit.tuning.sweep_text import Told


def end(
    told: Told, run: Path | None, *, out: Path | None, html: Path | None, as_json: bool
) -> None:
    """Print *told*, and write what it recommends.

    Raises:
        typer.Exit: No setting gets through.
    """
    from simkit.tuning.sweep_text import swept_json, swept_picture, verdict

    recommended = told.swept.recommended
    if out is not None and recommended is not None:
        write_config(_recommended(told), verdict(told), out)
    if html is not None:
        from simkit.tuning.page import write_page

        write_page(swept_picture(told), html)
    if as_json:
        print(json.dumps(swept_json(told)))
    else:
        _print(told)
        written = out if recommended is not None else None
        for line in _next(told, run, written, html):
            print(printable_line(line))
    if recommended is None:
        raise typer.Exit(RUN_FAILED)


def _print(told: Told) -> None:
    from rich.console import Group

    from simkit.tuning.sweep_text import (
        assumed_table,
        doubts_of,
        swept_picture,
        swept_tables,
        verdict,
    )

    tables = Group(assumed_table(told), "", swept_tables(told))
    notes = [f"Mind: {doubt}" for doubt in doubts_of(told)]
    print_result(tables, swept_picture(told), notes, verdict(told))


def _next(told: Told, run: Path | None, out: Path | None, html: Path | None) -> Iterator[str]:
    """What was written, and what to do now."""
    if html is not None:
        yield f"{html}: written"
    setting = told.swept.knee.setting
    if setting is None:
        yield "Next: try other limits (--rpm, --tpm, --calls-in-flight) or fewer faults"
    elif out is not None:
        yield f"{out}: written"
        yield f"Next: simkit generate {shlex.quote(str(out))} --out DIR"
    elif run is not None:
        again = f"simkit tune {shlex.quote(str(run))} ... --out FILE.toml"
        yield f"Next: {again}; simkit generate FILE.toml --out DIR"
    else:
        yield (
            f"Next: run.concurrency = {setting.concurrency} and filters.workers = "
            f"{setting.filter_workers} in a configuration; then measure what is stated here: "
            "simkit tune RUN.toml --live --budget TOKENS"
        )


def _recommended(told: Told) -> RunConfig:
    """The configuration of the run with what is recommended."""
    from simkit.tuning.sweep import with_setting

    config, setting = told.assumed.config, told.swept.knee.setting
    assert setting is not None  # noqa: S101 - else nothing is written
    run = config.run.model_copy(update={"conversations": told.conversations})
    return with_setting(config.model_copy(update={"run": run}), setting)
