"""``simkit tune --live``: find out from the real provider."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from simkit.cli import flags
from simkit.cli.errors import RUN_FAILED
from simkit.cli.output_files import check_output_files
from simkit.cli.run_end import ended_early
from simkit.cli.tune_end import print_result, write_config
from simkit.printable import printable_line

if TYPE_CHECKING:
    from rich.console import Console

    from simkit.config import RunConfig
    from simkit.tuning.probe.live import Probe
    from simkit.tuning.probe.probe_text import Told
    from simkit.tuning.probe.stages import Stage


def probe(
    config_file: Path,
    given: flags.Given,
    *,
    budget: str,
    out: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Probe the provider of *config_file* and write what is recommended.

    The conversations that it plays are in a run's folder, which goes on with what is recommended.

    Args:
        budget: Tokens, or money with its currency.
        out: Where the recommended configuration goes; None: beside the folder.

    Interrupted, it tells what it has found out so far.

    Raises:
        ConfigError: It cannot start.
        typer.Exit: It was interrupted, or nothing can be recommended; that is said.
    """
    from simkit.config_check import check_run
    from simkit.config_file import load_config
    from simkit.config_problems import Origin
    from simkit.tuning.probe.allowed import allowed
    from simkit.tuning.probe.live import Probe

    config = load_config(config_file, given)
    said = frozenset(key for key, value in given.items() if value is not None)
    check_run(config, Origin(str(config_file), said))
    found = Probe(config, allowed(budget, config))
    folder = _free_folder(config_file)
    out = _checked_out(out, html, folder)
    with ended_early(folder, f"simkit generate {shlex.quote(str(folder))}"):
        kept = config
        try:
            _play(found, folder, quiet=as_json)
            told = _told(found, config)
            kept = told.config or config
        finally:
            _keep(kept, folder)
        _end(told, folder, out, html, as_json=as_json)
        if told.probed.stop.ending == "interrupted":
            raise KeyboardInterrupt
    if told.config is None:
        raise typer.Exit(RUN_FAILED)


def _checked_out(out: Path | None, html: Path | None, folder: Path) -> Path:
    """Where the configuration goes, which is neither the page nor the *folder* of the probe."""
    chosen = out or folder.with_name(f"{folder.name}.toml")
    files = {"--html": html, "--out": chosen, "the folder of the probe": folder}
    # The run makes the folder of its own one; what is in none that is there is no other's file.
    check_output_files({n: p for n, p in files.items() if p and p.parent.is_dir()})
    return chosen


def _end(told: Told, folder: Path, out: Path, html: Path | None, *, as_json: bool) -> None:
    """Write what is recommended, if anything is, to *out*, and tell what was found."""
    from simkit.tuning.probe.probe_text import picture, probed_json, verdict

    written = None if told.config is None else out
    if told.config is not None:
        write_config(told.config, verdict(told), out)
    if html is not None:
        from simkit.tuning.page import write_page

        write_page(picture(told), html)
    if as_json:
        print(json.dumps({**probed_json(told), "written": written and str(written)}))
        return
    _print(told)
    for path in filter(None, (html, written)):
        print(f"{printable_line(str(path))}: written")
    going_on = f"simkit generate {shlex.quote(str(folder))} goes on with what was played"
    anew = f"; simkit generate {shlex.quote(str(out))} begins anew" if written else ""
    print(printable_line(f"Next: {going_on}{anew}"))


def _free_folder(config_file: Path) -> Path:
    """The first of ``runs/NAME-probe-1``, ``-2``, ... that is not there."""
    name = config_file.name.partition(".")[0] or "run"
    number = 1
    while (folder := Path("runs") / f"{name}-probe-{number}").exists():
        number += 1
    return folder


def _play(found: Probe, folder: Path, *, quiet: bool) -> None:
    import anyio
    from rich.console import Console

    from simkit.watched_run import watched_run

    console = None if quiet else Console(stderr=True)
    if console is not None:
        found.on_stage = lambda stage: _say(stage, console)
    try:
        anyio.run(watched_run, found.config, folder, console, found.play)
    except KeyboardInterrupt:
        if found.probed is None or not found.probed.attempts:
            raise  # there is nothing to tell


def _say(stage: Stage, console: Console) -> None:
    console.print(
        f"{stage.concurrency:,} conversations in flight: {stage.per_second:.3g} calls/s, "
        f"{stage.mean_seconds:.2f} s each, {stage.refused:,} refused, {stage.failed:,} failed",
        markup=False,
        highlight=False,
    )


def _told(found: Probe, config: RunConfig) -> Told:
    from simkit.tuning.probe.probe_text import Told
    from simkit.tuning.probe.recommended import recommend

    assert found.probed is not None  # noqa: S101 - it has ended
    recommended = recommend(config, found.probed)
    return Told(probed=found.probed, recommended=recommended, allowed=found.allowed)


def _keep(config: RunConfig, folder: Path) -> None:
    """Have *folder*, if it was made, go on with *config*, not with the budget of the probe."""
    from simkit.kept_config import keep_config
    from simkit.prices import load_prices
    from simkit.traces.run_directory import RunDirectory

    if RunDirectory.is_run(folder):
        keep_config(RunDirectory.open(folder), config, load_prices(config.budget.prices))


def _print(told: Told) -> None:
    from simkit.tuning.probe.probe_text import law_line, picture, tables, verdict

    notes = [law_line(told), *(f"Mind: {note}" for note in told.notes)]
    print_result(tables(told), picture(told), notes, verdict(told))
