"""The folder of a run: its configuration, its database, and what was made from them."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from simkit.traces.database import (
    StoreError,
    check_database,
    check_whole,
    connect_reader,
    connect_writer,
    is_run_database,
)
from simkit.traces.whole_file import written_whole


class RunDirectoryError(Exception):
    """A folder cannot be used as that of a run; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The folder of one run; make it with `create` or `open`."""

    path: Path

    @property
    def config_path(self) -> Path:
        """The effective configuration, frozen when the run began."""
        return self.path / "run.toml"

    @property
    def database_path(self) -> Path:
        """Every call, trajectory and verdict."""
        return self.path / "run.db"

    @property
    def graph_path(self) -> Path:
        """The function graph that conversations are drawn from, as it was when the run began."""
        return self.path / "run.graph"

    @property
    def log_path(self) -> Path:
        """What happened, one JSON object a line; for people who look for a cause."""
        return self.path / "log.jsonl"

    @property
    def exports_folder(self) -> Path:
        """Where training data goes by default; made by the first export."""
        return self.path / "exports"

    @staticmethod
    def check_free(path: Path) -> None:
        """Refuse a *path* where no new run can be made, because something is there.

        Raises:
            RunDirectoryError: It is a file, a run, also a damaged one, or a folder that is not
                empty.
        """
        try:
            obstacle = _obstacle(path)
        except (OSError, StoreError) as error:
            raise RunDirectoryError(f"cannot look into {path}: {error}") from error
        if obstacle is not None:
            raise RunDirectoryError(f"{path} {obstacle}; choose a new folder with --out")

    @classmethod
    def create(cls, path: Path, config_toml: str) -> RunDirectory:
        """Make a new run at *path*, with its parents, its configuration and an empty database.

        When it fails, all that it made is removed again.

        Raises:
            RunDirectoryError: *path* is not an empty or missing folder, or cannot be written.
        """
        cls.check_free(path)
        run = cls(path)
        try:
            run._make(config_toml.encode())
        except FileExistsError as error:
            raise RunDirectoryError(
                f"another program is making {error.filename}; choose another folder with --out"
            ) from error
        except OSError as error:
            raise RunDirectoryError(
                f"cannot make the run {path}: {error.strerror}; choose another folder with --out"
            ) from error
        except StoreError as error:
            raise RunDirectoryError(f"cannot make the run {path}: {error}") from error
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """The existing run at *path*, to read it.

        Raises:
            RunDirectoryError: There is none, its database is not one, or it is of another
                version.
        """
        run = cls(path)
        run.check_files()
        try:
            check_database(run.database_path)
        except StoreError as error:
            raise RunDirectoryError(str(error)) from error
        return run

    def check_files(self) -> None:
        """Refuse a folder that lacks what every run has; the files are not opened.

        Raises:
            RunDirectoryError: Says what is there instead, or is missing.
        """
        has_config, has_database = self.config_path.is_file(), self.database_path.is_file()
        if not self.path.exists():
            raise RunDirectoryError(f"there is no folder {self.path}; give the folder of a run")
        if not self.path.is_dir():
            raise RunDirectoryError(f"{self.path} is a file; give the folder of a run")
        if not has_config and not has_database:
            raise RunDirectoryError(
                f"{self.path} is not the folder of a simkit run (it needs run.toml and run.db); "
                "give the folder that `simkit generate` made"
            )
        if not has_config or not has_database:
            there, missing = ("run.toml", "run.db") if has_config else ("run.db", "run.toml")
            raise RunDirectoryError(
                f"{self.path} is not the folder of a simkit run, or not any more: it has a {there} "
                f"and no {missing}; put back a copy of {missing}, or start again in a new folder"
            )

    @contextmanager
    def locked(self, *, to_read: bool = False) -> Iterator[None]:
        """Be the only process that adds to the run, until the block ends or the process does.

        Args:
            to_read: Keep others from adding, as far as we may, and add nothing; a folder that
                cannot be written will do.

        Raises:
            RunDirectoryError: Another one is at it, or the folder cannot be written.
        """
        with self._opened_lock(to_read=to_read) as file:
            if file is not None:
                self._lock(file)
            yield

    def check_whole(self) -> None:
        """Look for damage in the database; seconds for gigabytes.

        Raises:
            StoreError: It is damaged.
        """
        check_whole(self.database_path)

    def write_config(self, config_toml: str) -> None:
        """Replace the configuration, whole.

        Raises:
            OSError: It cannot be written.
        """
        with written_whole(self.config_path) as file:
            file.write(config_toml.encode())

    @staticmethod
    def is_run(path: Path) -> bool:
        """Whether there is a run at *path*."""
        try:
            return is_run_database(path / "run.db")
        except (OSError, StoreError):
            return False

    def discard(self) -> bool:
        """Remove the folder if it is sure that no call and no trajectory is stored in it.

        Returns:
            Whether it was removed; a run whose database cannot be read stays.
        """
        stored = "SELECT EXISTS (SELECT 1 FROM calls) OR EXISTS (SELECT 1 FROM trajectories)"
        try:
            with closing(connect_reader(self.database_path)) as connection:
                (holds_something,) = connection.execute(stored).fetchone()
        except (sqlite3.Error, StoreError):
            return False
        if not holds_something:
            shutil.rmtree(self.path)
        return not holds_something

    def _opened_lock(self, *, to_read: bool) -> AbstractContextManager[IO[str] | None]:
        path = self.path / "run.lock"
        try:
            return path.open("a")
        except OSError as error:
            if not to_read:
                raise RunDirectoryError(f"cannot write in {self.path}: {error.strerror}") from error
        try:
            return path.open()
        except OSError:
            return nullcontext()

    def _lock(self, file: IO[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunDirectoryError(
                f"another process is working on {self.path}; wait for it, or stop it"
            ) from None

    def _make(self, config: bytes) -> None:
        with ExitStack() as undo:
            for folder in _missing_folders(self.path):
                folder.mkdir()
                undo.callback(folder.rmdir)
            # Fails when it is there: of two programs at once, one gets the folder.
            self.database_path.open("xb").close()
            undo.callback(self._remove_database)
            connect_writer(self.database_path).close()
            with written_whole(self.config_path) as file:
                file.write(config)
            undo.pop_all()

    def _remove_database(self) -> None:
        for path in self.path.glob("run.db*"):
            path.unlink()


def _obstacle(path: Path) -> str | None:
    """What stands in the way of a new run at *path*; nothing there is changed."""
    if not path.exists():
        return None
    if not path.is_dir():
        return "is a file"
    if is_run_database(path / "run.db"):
        return "already holds a run"
    if (path / "run.toml").exists():
        RunDirectory.open(path)  # says what is wrong with it
    if any(path.iterdir()):
        return "is not empty and not a simkit run, so nothing in it was touched"
    return None


def _missing_folders(path: Path) -> list[Path]:
    """*path* and its parents as far as they are missing, the outermost first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    return missing[::-1]
