"""``simkit generate``: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from simkit.config import RunConfig
    from simkit.run import RunSummary


def generate(
    config_file: flags.ConfigFile = None,
    catalog: flags.Catalogs = None,
    base_url: flags.BaseUrl = None,
    model: flags.Model = None,
    api_key_env: flags.ApiKeyEnv = None,
    conversations: flags.Conversations = None,
    concurrency: flags.Concurrency = None,
    rpm: flags.Rpm = None,
    tpm: flags.Tpm = None,
    embedder: flags.Embedder = None,
    seed: flags.Seed = None,
    judge: flags.Judge = None,
    min_length: flags.MinLength = None,
    max_length: flags.MaxLength = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the run; ./runs/NAME-SEED if unset."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Try it without a key: own catalog, stand-in provider.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only warnings and errors.")] = False,
) -> None:
    """Play, filter and store conversations.

    The run's folder then holds run.toml (the whole configuration) and run.db (every call,
    conversation and verdict); `simkit export` makes training data of it.
    """
    from simkit.config_file import load_config

    if demo:
        _refuse_with_demo(
            {
                "RUN.toml": config_file,
                "--catalog": catalog,
                "--base-url": base_url,
                "--model": model,
                "--api-key-env": api_key_env,
                "--rpm": rpm,
                "--tpm": tpm,
                "--json": as_json,
                "--quiet": quiet,
            }
        )
    given = flags.overrides(
        catalogs=catalog,
        base_url=base_url,
        model=model,
        api_key_env=api_key_env,
        conversations=conversations,
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        embedder=embedder,
        seed=seed,
        judge=judge,
        min_length=min_length,
        max_length=max_length,
    )
    if demo:
        from simkit.demo import OPTIONS

        given = {**OPTIONS, **{key: value for key, value in given.items() if value is not None}}
    config = load_config(config_file, given)
    folder = out or _default_folder(config, config_file, demo=demo)
    try:
        if demo:
            _demonstrate(config, folder)
        else:
            _print_end(_play(config, folder, quiet=quiet), as_json=as_json, quiet=quiet)
    except KeyboardInterrupt:
        print(f"simkit: interrupted; {_what_is_kept(folder)}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _refuse_with_demo(others: dict[str, Any]) -> None:
    given = [name for name, value in others.items() if value]
    if given:
        raise typer.BadParameter(
            f"it brings its own catalog and provider; leave out {', '.join(given)}",
            param_hint="'--demo'",
        )


def _default_folder(config: RunConfig, config_file: Path | None, *, demo: bool) -> Path:
    if demo:
        from simkit.demo import free_folder

        return free_folder(Path("runs"))
    named_after = config_file or next(iter(config.catalog.paths), Path("demo"))
    name = named_after.name.partition(".")[0] or "run"
    return Path("runs") / f"{name}-{config.run.seed}"


def _demonstrate(config: RunConfig, folder: Path) -> None:
    from simkit.demo import run_demo

    run_demo(config, folder)


def _play(config: RunConfig, folder: Path, *, quiet: bool) -> RunSummary:
    import anyio
    from rich.console import Console

    from simkit.watched_run import watched_run

    console: Console | None = None if quiet else Console(stderr=True)
    return anyio.run(watched_run, config, folder, console)


def _what_is_kept(folder: Path) -> str:
    if (folder / "run.db").exists():
        return (
            f"everything so far is stored in {folder}; `simkit report` and `simkit export` "
            "work on it"
        )
    return "nothing had been stored yet"


def _print_end(summary: RunSummary, *, as_json: bool, quiet: bool) -> None:
    from rich.console import Console

    from simkit.report import read_report, render_report, report_json

    report = read_report(summary.directory)
    if as_json:
        print(report_json(report))
    elif not quiet:
        Console().print(render_report(report))
        print(
            f"\n{summary.seconds:.1f} s, at most {summary.peak_in_flight:,} conversations at once\n"
            f"next: simkit export {summary.directory} --format toolmind"
        )
