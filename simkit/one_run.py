"""Whether all that stands in the folder of a run belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.fork_note import PARENT, ForkNote
from simkit.spans import spans
from simkit.traces.database import Place, StoreError
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader


def open_run(path: Path) -> tuple[RunDirectory, RunConfig]:
    """The existing run at *path*, to read it, with its configuration.

    Raises:
        RunDirectoryError: There is no run of this version.
        ConfigError: Its configuration cannot be read.
        StoreError: Its database cannot be read, or holds conversations of another run.
    """
    run = RunDirectory.open(path)
    config = load_config(run.config_path, {})
    check_one_run(run, config)
    return run, config


def check_one_run(run: RunDirectory, config: RunConfig) -> None:
    """Make sure that every conversation stored in *run* is of the run that *config* is of.

    Goes by their ids, so it takes a moment, and cannot tell runs of the same seed apart.

    Raises:
        StoreError: Some are not, which are named with what to do; or it cannot be read.
    """
    with RunReader(run.database_path) as reader:
        beginning = id_beginning(config.run.seed, reader.meta(), run.database_path)
        foreign = reader.ids_unlike(beginning)
        if foreign and len(foreign) == len(reader.played()):
            raise not_of_this_run(run, beginning, next(iter(foreign.values())))
    if foreign:
        number, found = next(iter(foreign.items()))
        raise StoreError(
            f"{run.database_path} holds conversations of another run beside its own: "
            f"{spans(list(foreign))} (conversation {number} has the id {found}, and in this run it "
            f"would be {beginning}{number}); put back a copy from before they were mixed, or leave "
            f"them out: simkit recover {run.path} --out DIR"
        )


def not_of_this_run(run: RunDirectory, beginning: str, found: str) -> StoreError:
    """The error that the database in *run* is another's; *found* is an id in it."""
    return StoreError(
        f"{run.database_path} is not of the run that {run.config_path} is of: a conversation in it "
        f"has the id {found}, and those of this run begin with {beginning}; put back the file that "
        "belongs to it"
    )


def id_beginning(seed: int, meta: Mapping[str, str], database: Path) -> str:
    """What stands before the scenario in the ids of a run, as `trajectory_id` makes them.

    Args:
        seed: Of the run.
        meta: What it knows about itself.
        database: Where that stands, for errors.

    Raises:
        DamagedStore: It is not told what the fork continues.
    """
    try:
        note = ForkNote.in_meta(meta)
    except (ValueError, TypeError) as error:
        place = Place(f"the note {PARENT!r}", database)
        raise place.damaged("it does not say what the fork continues") from error
    return f"{seed}-" if note is None else f"{note.id}@{note.turn}-"
