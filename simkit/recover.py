"""A damaged run made into a new one that holds all that can still be read of it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config, to_toml
from simkit.fork_note import how_to_go_on
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.graph_file import GraphError
from simkit.kept_config import keep_config
from simkit.prices import load_prices
from simkit.prompts import keep_prompts, own_prompts
from simkit.salvage import TABLES, Salvage, TableRecovery
from simkit.traces.database import StoreError, check_database, connect_writer
from simkit.traces.run_directory import RunDirectory

_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was saved of a run, and what not."""

    directory: Path
    tables: Mapping[str, TableRecovery]
    lost_trajectories: tuple[int, ...]
    """Scenarios, ascending, whose trajectory was there or may have been, and is not saved."""
    graph_problem: str | None
    """Why the function graph could not be saved; None when it was, or none is needed."""
    go_on: str
    """What to type to go on with the new run, once it has its graph."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.graph_problem is None and all(table.is_whole for table in self.tables.values())


def recover(run: Path, out: Path) -> Recovery:
    """Save what can be read of the damaged run in *run* into a new one in *out*.

    *run* is only read (and locked); its write-ahead log counts as far as it was committed.
    Rows go over one by one, each after a look at whether it holds what it should. A reply in
    which damage left valid JSON behind cannot be told from a good one. Conversations of another
    run are left out; calls of one cannot be told from this run's.

    Takes the time of reading the run, and for a while its space on the disk twice.

    Raises:
        RunDirectoryError: *run* holds no run, another process is at it, or *out* is not free.
        ConfigError: The configuration of *run* cannot be used.
        StoreError: The database is of another version, another program or another run, or
            nothing in it can be read.
    """
    source = RunDirectory(run)
    source.check_files()
    _check_ours(source.database_path)
    config = load_config(source.config_path, {})
    with source.locked(to_read=True):
        directory = RunDirectory.create(out, to_toml(config))
        try:
            _keep_prices(directory, config)
            _keep_own_prompts(source, directory)
            return _recovered(source, directory, config)
        except BaseException:
            shutil.rmtree(directory.path)
            raise


def _keep_prices(directory: RunDirectory, config: RunConfig) -> None:
    """Make the new run independent of the damaged one's prices, where they can be read."""
    with suppress(ConfigError):  # whoever goes on with the run is told what to do
        keep_config(directory, config, load_prices(config.budget.prices))


def _keep_own_prompts(source: RunDirectory, directory: RunDirectory) -> None:
    prompts = own_prompts(source.path)
    if prompts is not None:
        keep_prompts(prompts, directory.path)


def _check_ours(path: Path) -> None:
    """Refuse what is whole and not ours; where the beginning is damaged, nobody can tell."""
    with path.open("rb") as file:
        beginning = file.read(len(_SQLITE))
    if beginning in (_SQLITE, b""):
        check_database(path)


def _recovered(source: RunDirectory, directory: RunDirectory, config: RunConfig) -> Recovery:
    with (
        tempfile.TemporaryDirectory(prefix=".damaged-", dir=directory.path) as folder,
        closing(connect_writer(directory.database_path)) as new,
        closing(_opened(copy := _copied(source.database_path, Path(folder)))) as old,
    ):
        salvage = Salvage(
            old,
            new,
            path=copy,
            name=source.database_path,
            conversations=config.run.conversations,
            seed=config.run.seed,
        )
        tables = {table: salvage.save(table) for table in TABLES}
        lost_trajectories = salvage.lost_trajectories()
        if not any(tables[table].saved for table in TABLES if table != "meta"):
            raise _nothing_left(source.database_path)
        salvage.check_is_this_run(source)
        fork = how_to_go_on(salvage.meta(), directory.path)
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Recovery(
        directory=directory.path,
        tables=tables,
        lost_trajectories=lost_trajectories,
        # A fork draws its conversations from its parent's, not from a graph.
        graph_problem=None if fork else _save_graph(source.graph_path, directory.graph_path),
        go_on=fork or f"simkit generate {directory.path}",
    )


def _copied(database: Path, folder: Path) -> Path:
    """A copy of *database* to work on: SQLite writes beside what it opens, and may change it."""
    copy = folder / "run.db"
    shutil.copyfile(database, copy)
    log = database.with_name(f"{database.name}-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    if not _has_tables(copy):
        _mend_first_page(copy, folder / "empty.db")
        if not _has_tables(copy):
            raise _nothing_left(database)
    return copy


def _opened(copy: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(copy, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.row_factory = sqlite3.Row
    return connection


def _has_tables(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    return found.issuperset(TABLES)


def _mend_first_page(damaged: Path, empty: Path) -> None:
    """Put the first page of an empty run's database, which is the same in all, into *damaged*.

    It says where each table begins; only the number of pages differs.
    """
    connect_writer(empty).close()
    content = empty.read_bytes()
    page_bytes = int.from_bytes(content[16:18])
    pages = damaged.stat().st_size // page_bytes
    with damaged.open("r+b") as file:
        file.write(content[:28] + pages.to_bytes(4) + content[32:page_bytes])


def _nothing_left(database: Path) -> StoreError:
    return StoreError(
        f"nothing in {database} can be read, so nothing was saved; put back a copy of it, or start "
        "again in a new folder"
    )


def _save_graph(path: Path, target: Path) -> str | None:
    """Copy the graph when it is whole; says why it is not."""
    try:
        FunctionGraph.load(path)
    except GraphError as error:
        return str(error)
    shutil.copyfile(path, target)
    return None
