"""``simkit tune --live``: find out from the real provider."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from simkit.cli import flags
from simkit.cli.run_end import ended_early
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

    Raises:
        ConfigError: It cannot start, or nothing was found out.
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
    with ended_early(folder, f"simkit generate {shlex.quote(str(folder))}"):
        kept = config
        try:
            _play(found, folder, quiet=as_json)
            told = _told(found, config)
            kept = told.recommended.config
        finally:
            _keep(kept, folder)
    written = out or folder.with_name(f"{folder.name}.toml")
    _write(told, written)
    if html is not None:
        from simkit.tuning.page import write_page
        from simkit.tuning.probe.probe_text import picture

        write_page(picture(told), html)
    if as_json:
        from simkit.tuning.probe.probe_text import probed_json

        print(json.dumps({**probed_json(told), "written": str(written)}))
        return
    _print(told)
    for path in filter(None, (html, written)):
        print(f"{path}: written")
    print(
        f"Next: simkit generate {shlex.quote(str(folder))} goes on with what was played; ", end=""
    )
    print(f"simkit generate {shlex.quote(str(written))} begins anew")


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
    anyio.run(watched_run, found.config, folder, console, found.play)


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


def _write(told: Told, path: Path) -> None:
    from simkit.config_file import to_toml
    from simkit.traces.whole_file import written_whole
    from simkit.tuning.probe.probe_text import verdict

    comment = f"# {printable_line(verdict(told))}\n"
    with written_whole(path) as file:
        file.write((comment + to_toml(told.recommended.config)).encode())


def _print(told: Told) -> None:
    from rich.console import Console
    from rich.text import Text

    from simkit.rendering import plain_text
    from simkit.tuning.probe.probe_text import law_line, picture, tables, verdict
    from simkit.tuning.terminal_charts import TerminalCharts

    console = Console()
    console.print(tables(told), "", TerminalCharts(picture(told)), "")
    console.print(Text(plain_text(law_line(told))))
    for note in told.recommended.notes:
        console.print(Text(plain_text(f"Mind: {note}")))
    console.print(Text(plain_text(verdict(told)), style="bold"))
