"""``simkit tune``: which settings finish soonest."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simkit.cli import flags
from simkit.cli.output_files import check_output_files
from simkit.cli.tune_rehearsed import end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simkit.tuning.sweep_of import Source

_MOST = 100_000
"""The configuration takes no more, of conversations in flight and of workers."""
_SLOWEST = 1_000_000
"""Times the recorded latencies: days for an answer of a second."""
_PROVIDER = "provider."


class HintsName(StrEnum):
    """What ``--hints`` takes."""

    ALL = "all"
    RETRY_AFTER = "retry_after"
    NONE = "none"


TUNED: flags.Flags = {
    "run.conversations": Annotated[
        int | None,
        typer.Option(
            "--conversations",
            "-n",
            min=1,
            max=100_000_000,
            help="How many are wanted; unset: the run's.",
        ),
    ],
    "provider.requests_per_minute": Annotated[
        float | None, typer.Option("--rpm", help="Requests a minute that each account has.")
    ],
    "provider.tokens_per_minute": Annotated[
        float | None, typer.Option("--tpm", help="Tokens a minute that each account has.")
    ],
    "provider.input_tokens_per_minute": Annotated[
        float | None, typer.Option("--itpm", help="Input tokens a minute that each account has.")
    ],
    "provider.output_tokens_per_minute": Annotated[
        float | None, typer.Option("--otpm", help="Output tokens a minute that each account has.")
    ],
    "provider.max_calls_in_flight": Annotated[
        int | None, typer.Option("--calls-in-flight", help="Calls at once that each account has.")
    ],
}


@flags.overriding(TUNED)
def tune(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN|RUN.toml]",
            help="Folder of a run to rehearse; or, with --live, a configuration.",
        ),
    ] = None,
    *,
    example: Annotated[
        str | None,
        typer.Option("--from", metavar="EXAMPLE", help="Stated latencies, by name or file."),
    ] = None,
    given: flags.Given,
    concurrency: Annotated[
        str | None,
        typer.Option("--concurrency", metavar="N,N,...", help="Only these; unset: searched."),
    ] = None,
    filter_workers: Annotated[
        str | None,
        typer.Option("--filter-workers", metavar="N,N,...", help="Only these; unset: searched."),
    ] = None,
    untold: Annotated[
        bool, typer.Option("--untold", help="The clients are told no limit; they learn them.")
    ] = False,
    hints: Annotated[
        HintsName | None, typer.Option("--hints", help="What providers tell of limits; [all]")
    ] = None,
    latency_factor: Annotated[
        float | None, typer.Option("--latency-factor", help="Times the recorded latencies.")
    ] = None,
    fault_share: Annotated[
        float | None, typer.Option("--fault-share", help="Share of the calls that fail.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Rehearse each setting with all conversations.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is left to chance.")] = 0,
    live: Annotated[
        bool, typer.Option("--live", help="Probe the real provider, within --budget.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="TOKENS|MONEY", help="For --live: e.g. 200000, or 1.50usd."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.toml", help="Write the configuration with what is recommended."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write charts, as one page.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the settings that finish soonest.

    RUN, the folder of a run: replays what it asked of its providers, with sizes and latencies as
    they were recorded, against simulated providers in virtual time, nothing is asked or paid.
    Settings are rehearsed until more conversations in flight gain nothing, and the smallest that
    is about as fast as the fastest is recommended. What providers allow is taken from the flags,
    else from the end of the run, else from its configuration.

    --from EXAMPLE: the same without a run, from latencies that a file states.

    RUN.toml --live --budget: raises concurrency against the real provider, in stages, with real
    conversations, which are kept.
    """
    rehearsal_only = {
        "--from": example,
        "--concurrency": concurrency,
        "--filter-workers": filter_workers,
        "--untold": untold,
        "--hints": hints,
        "--latency-factor": latency_factor,
        "--fault-share": fault_share,
        "--full": full,
        "--seed": seed,
    }
    if live:
        _refuse(rehearsal_only, "--live", "it asks the real provider")
        _probe(run, given, budget, out=out, html=html, as_json=as_json)
        return
    if budget is not None:
        raise typer.BadParameter(
            "a rehearsal spends nothing; it goes with --live", param_hint="'--budget'"
        )
    _check_source(run, example, out)
    _check_files(out, html, read=example)
    _check_shares(latency_factor, fault_share)
    from simkit.tuning.limits_of_run import Given
    from simkit.tuning.sweep_of import Wanted, swept

    wanted = Wanted(
        given=Given(
            limits=_limits(given),
            untold=untold,
            hints=None if hints is None else hints.value,
            latency_factor=latency_factor,
            failure_share=fault_share,
        ),
        conversations=given["run.conversations"],
        concurrency=_numbers(concurrency, "--concurrency"),
        filter_workers=_numbers(filter_workers, "--filter-workers"),
        full=full,
        seed=seed,
    )
    end(swept(_source(run, example), wanted), run, out=out, html=html, as_json=as_json)


def _refuse(values: Mapping[str, Any], option: str, reason: str) -> None:
    unwanted = [name for name, value in values.items() if value]
    if unwanted:
        raise typer.BadParameter(
            f"{reason}; leave out {', '.join(unwanted)}", param_hint=f"'{option}'"
        )


def _check_source(run: Path | None, example: str | None, out: Path | None) -> None:
    """Make sure that there is either a folder of a run or an example."""
    if run is None and example is None:
        raise typer.BadParameter(
            "name the folder of a run, or --from EXAMPLE where there is none yet",
            param_hint="'RUN'",
        )
    if run is not None and example is not None:
        raise typer.BadParameter(
            f"stands in for a run; leave out one of --from and {run}", param_hint="'--from'"
        )
    if run is not None and run.is_file():
        raise typer.BadParameter(
            f"{run} is a file, and a rehearsal needs the folder of a run; to find the limits of "
            f"the provider that it names, try: simkit tune {run} --live --budget TOKENS",
            param_hint="'RUN'",
        )
    if example is not None and out is not None:
        raise typer.BadParameter(
            "an example has no configuration to go on from; leave out --out",
            param_hint="'--out'",
        )


def _source(run: Path | None, example: str | None) -> Source:
    from simkit.tuning.sweep_of import example_source, run_source

    return run_source(run) if run is not None else example_source(example or "")


def _limits(given: flags.Given) -> dict[str, Any]:
    """What *given* says of limits, by their names alone."""
    return {
        key.removeprefix(_PROVIDER): value
        for key, value in given.items()
        if key.startswith(_PROVIDER)
    }


def _probe(
    config_file: Path | None,
    given: flags.Given,
    budget: str | None,
    *,
    out: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    from simkit.cli.tune_live import probe

    if config_file is None or config_file.is_dir():
        raise typer.BadParameter(
            "--live asks a provider that a configuration names: simkit tune RUN.toml --live",
            param_hint="'RUN.toml'",
        )
    if budget is None:
        raise typer.BadParameter(
            "say what it may spend, in tokens or money, such as --budget 500000 or --budget "
            "1.50usd",
            param_hint="'--budget'",
        )
    _check_files(out, html, read=config_file)
    probe(config_file, given, budget=budget, out=out, html=html, as_json=as_json)


def _check_files(out: Path | None, html: Path | None, *, read: Path | str | None) -> None:
    """What is sure to fail fails before the work."""
    known = [path for path in [Path(read or "")] if path.is_file()]  # an example may be a name
    check_output_files({"--out": out, "--html": html}, read=known)
    if html is not None:
        from simkit.tuning.page import check_plotly

        check_plotly()


def _check_shares(latency_factor: float | None, fault_share: float | None) -> None:
    if latency_factor is not None and not 0 < latency_factor <= _SLOWEST:
        raise typer.BadParameter(
            f"{latency_factor:g} is no factor; expected more than 0 and at most {_SLOWEST:,}",
            param_hint="'--latency-factor'",
        )
    if fault_share is not None and not 0 <= fault_share < 1:
        raise typer.BadParameter(
            f"{fault_share:g} is no such share; expected at least 0 and less than 1",
            param_hint="'--fault-share'",
        )


def _numbers(text: str | None, option: str) -> tuple[int, ...]:
    """*text* such as "8,16,32"; empty for None."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if not all(1 <= number <= _MOST for number in numbers):
        raise typer.BadParameter(
            f"expected whole numbers from 1 to {_MOST:,}, with commas between them, such as "
            f'8,16,32; found "{text}"',
            param_hint=f"'{option}'",
        )
    return tuple(dict.fromkeys(numbers))
