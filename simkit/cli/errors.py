"""What a failure means to the person at the terminal: a line and an exit code.

0 is success, 1 a run that failed, 2 a usage or input error, 130 an interruption. What is
not listed here is a bug and keeps its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from simkit.printable import printable_line
from simkit.traces.full_disk import FULL

RUN_FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130

# By name, so that printing a help page or an error imports nothing heavy.
EXPECTED: Mapping[str, int] = {
    "simkit.complete.reply_file.ReplyFileError": USAGE_ERROR,
    "simkit.config.ConfigError": USAGE_ERROR,
    "simkit.control.messages.ControlError": USAGE_ERROR,
    "simkit.fork_point.ForkError": USAGE_ERROR,
    "simkit.graph.affinity_file.AffinityError": USAGE_ERROR,
    "simkit.graph.catalogs.entry.CatalogError": USAGE_ERROR,
    "simkit.graph.embed.EmbedderUnavailable": USAGE_ERROR,
    "simkit.graph.graph_file.GraphError": USAGE_ERROR,
    "simkit.graph.labels.LabelsError": USAGE_ERROR,
    "simkit.prompts.PromptsError": USAGE_ERROR,
    "simkit.standin.settings.StandinError": USAGE_ERROR,
    "simkit.traces.provider_errors.ProviderError": RUN_FAILED,
    "simkit.traces.database.StoreError": RUN_FAILED,
    "simkit.traces.foreign.ForeignFileError": USAGE_ERROR,
    "simkit.traces.run_directory.RunDirectoryError": USAGE_ERROR,
    "simkit.tuning.terms.TermsError": USAGE_ERROR,
    "simkit.tuning.recorded.NothingRecorded": USAGE_ERROR,
    "simkit.tuning.processes.ProcessDied": RUN_FAILED,
    "simkit.tuning.page.PageError": USAGE_ERROR,
}


def report_error(error: BaseException) -> int:
    """Print each failure in *error* as one line on stderr and return the exit code.

    Notes of *error* follow; they tell how to go on.

    Raises:
        BaseException: *error* itself, when any part of it is not an expected failure.
    """
    failures = list(leaves(error))
    codes = [_exit_code(failure) for failure in failures]
    if None in codes:
        raise error
    # Tasks that fail for the same reason say the same; once is enough.
    for line in dict.fromkeys(line for failure in failures for line in _lines(failure)):
        print_error(line)
    for note in getattr(error, "__notes__", ()):
        print(f"simkit: {note}", file=sys.stderr)
    return max(code for code in codes if code is not None)


def print_error(message: str) -> None:
    """Print *message* as the one line that an error is."""
    print(f"simkit: error: {printable_line(message)}", file=sys.stderr)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """*error* itself, or what is in it where it is a group."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _exit_code(error: BaseException) -> int | None:
    for kind in type(error).__mro__:
        code = EXPECTED.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return code
    # The machine's doing: an OSError about a named file, or a full disk, which names none.
    if isinstance(error, OSError) and (error.filename or error.errno in FULL):
        return RUN_FAILED
    return None


def _lines(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, OSError):
        if error.errno in FULL:
            where = f"{error.filename}: " if error.filename else ""
            return (f"{where}{error.strerror}; make room, then start again",)
        return (f"{error.filename}: {error.strerror}",)
    problems: tuple[str, ...] = getattr(error, "problems", (str(error),))
    return problems
