"""``simkit generate``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.run_end import ended_early, print_end

if TYPE_CHECKING:
    from rich.console import Console

    from simkit.config import RunConfig
    from simkit.run import RunSummary


@flags.overriding(flags.RUN)
def generate(
    config_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN.toml|DIR]",
            help="Configuration, flags go on top of it; or the folder of a run to go on with.",
        ),
    ] = None,
    *,
    given: flags.Given,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the run, which goes on if it is there; ./runs/NAME-SEED if unset.",
        ),
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

    A run that was interrupted, or is to have more conversations, goes on where it stopped:
    give its folder, or the same command again. Replies that were recorded are not asked for
    again. How fast and where models are asked may change; what decides the data may not.
    """
    from simkit.config_file import load_config

    if config_file is not None and config_file.is_dir():
        if out is None:
            from simkit.traces.run_directory import RunDirectory

            RunDirectory.open(config_file)  # says what is wrong with it, as every command does
        config_file, out = config_file / "run.toml", out or config_file
    if demo:
        from simkit.demo import OPTIONS

        _refuse_with_demo(config_file, given, as_json=as_json, quiet=quiet)
        given = {**OPTIONS, **{key: value for key, value in given.items() if value is not None}}
    config = load_config(config_file, given)
    folder = out or _default_folder(config, config_file, demo=demo)
    go_on = f"simkit generate {folder}"
    with ended_early(folder, go_on):
        if demo:
            _demonstrate(config, folder)
            return
        _check(config, config_file, given)
        summary = _play(config, folder, quiet=quiet)
        print_end(summary, config, go_on=go_on, as_json=as_json, quiet=quiet)


_NOT_WITH_DEMO = {
    "catalog.paths": "--catalog",
    "provider.base_url": "--base-url",
    "model.name": "--model",
    "provider.api_key_env": "--api-key-env",
    "provider.requests_per_minute": "--rpm",
    "provider.tokens_per_minute": "--tpm",
    "provider.input_tokens_per_minute": "--itpm",
    "provider.output_tokens_per_minute": "--otpm",
    "budget.tokens": "--budget-tokens",
    "budget.money": "--budget-money",
    "budget.prices": "--prices",
}


def _refuse_with_demo(
    config_file: Path | None, given: flags.Given, *, as_json: bool, quiet: bool
) -> None:
    others = {"RUN.toml": config_file, "--json": as_json, "--quiet": quiet}
    others |= {flag: given[key] for key, flag in _NOT_WITH_DEMO.items()}
    unwanted = [name for name, value in others.items() if value]
    if unwanted:
        raise typer.BadParameter(
            f"it brings its own catalog and provider; leave out {', '.join(unwanted)}",
            param_hint="'--demo'",
        )


def _check(config: RunConfig, config_file: Path | None, given: flags.Given) -> None:
    """Refuse what a run cannot start with; naming the file is worth doing it here."""
    from simkit.config import ConfigError
    from simkit.config_check import check_run
    from simkit.config_problems import Origin
    from simkit.toml_file import read_toml

    if config_file is None:
        return  # the run itself checks
    said = frozenset(key for key, value in given.items() if value is not None)
    try:
        check_run(config, Origin(str(config_file), said))
    except ConfigError as error:
        if read_toml(config_file):
            raise
        empty = f"{config_file}: it is empty; `simkit config` prints every option, to start from"
        raise ConfigError(empty, *error.problems) from None


def _default_folder(config: RunConfig, config_file: Path | None, *, demo: bool) -> Path:
    if demo:
        from simkit.demo import free_folder

        return free_folder(Path("runs"))
    given = (*config.catalog.paths, *config.tools.python)
    named_after = config_file or next(iter(given), Path("demo"))
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
