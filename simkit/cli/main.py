"""The ``simkit`` command: puts the command groups together and turns errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from simkit.cli.complete import EXIT_CODES as COMPLETE_EXIT_CODES
from simkit.cli.complete import complete
from simkit.cli.config import config
from simkit.cli.control import pause, resume, set_, status
from simkit.cli.errors import INTERRUPTED, USAGE_ERROR, print_error, report_error
from simkit.cli.export import export
from simkit.cli.filter import EXIT_CODES as FILTER_EXIT_CODES
from simkit.cli.filter import filter_
from simkit.cli.filter_calibrate import EXIT_CODES as CALIBRATE_EXIT_CODES
from simkit.cli.filter_calibrate import calibrate
from simkit.cli.fork import fork
from simkit.cli.generate import generate
from simkit.cli.graph import graph
from simkit.cli.plan import plan
from simkit.cli.provider import provider
from simkit.cli.recover import recover
from simkit.cli.replay import replay
from simkit.cli.report import report
from simkit.cli.termination import terminated_as_interrupted
from simkit.cli.tune import tune

EXIT_CODES = "Exit codes: 0 ok, 1 the run failed, 2 usage or input error, 130 interrupted."

# typer brings its own copy of click in some releases and imports click in others; the
# family of its public BadParameter is right in both.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


class _Commands(TyperGroup):
    """Knows commands of two words, and says of a command that it was interrupted which has
    nothing of its own to say about that."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """``filter calibrate`` is a command beside ``filter RUN``; a run of that name can be
        written ``./calibrate``."""
        two_words = " ".join(args[:2])
        if two_words in self.commands:
            args = [two_words, *args[2:]]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("simkit: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="simkit",
    cls=_Commands,
    help="Make tool-use training data: function graph, simulated conversations, filters.",
    epilog=EXIT_CODES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from simkit.traces.version import __version__

        print(f"simkit {__version__}")
        raise typer.Exit


@app.callback()
def _simkit(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


app.command(epilog=EXIT_CODES)(generate)
app.add_typer(graph, name="graph")
app.command(epilog=COMPLETE_EXIT_CODES)(complete)
app.command(epilog=EXIT_CODES)(export)
app.command("filter", epilog=FILTER_EXIT_CODES)(filter_)
app.command("filter calibrate", epilog=CALIBRATE_EXIT_CODES)(calibrate)
app.command(epilog=EXIT_CODES)(tune)
app.command(epilog=EXIT_CODES)(plan)
app.command(epilog=EXIT_CODES)(status)
app.command(epilog=EXIT_CODES)(pause)
app.command(epilog=EXIT_CODES)(resume)
app.command("set", epilog=EXIT_CODES)(set_)
app.command(epilog=EXIT_CODES)(provider)
app.command(epilog=EXIT_CODES)(recover)
app.command(epilog=EXIT_CODES)(fork)
app.command(epilog=EXIT_CODES)(replay)
app.command(epilog=EXIT_CODES)(report)
app.command(epilog=EXIT_CODES)(config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line *arguments* (default: those of the process) and exit."""
    with terminated_as_interrupted():
        sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    try:
        code = app(args=arguments or ["--help"], prog_name="simkit", standalone_mode=False)
    except _UsageError as error:
        print_error(_usage_problem(error))
        return USAGE_ERROR
    except typer.Abort:
        return 1
    except Exception as error:
        return report_error(error)
    return code if isinstance(code, int) else 0


def _usage_problem(error: BaseException) -> str:
    message = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    command = "simkit" if context is None else context.command_path
    return f"{message} (see {command} --help)"
