"""Where the files of an export go: beside each other, or in the folder of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from simkit.traces.exports_split import Split


class FolderInUse(Exception):
    """A data set cannot be written to a folder; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class LinesPlace:
    """A file in JSON Lines, or one for each side of a split, with the manifest beside it."""

    path: Path

    @property
    def manifest(self) -> Path:
        """The file that says what the others are."""
        return self.path.with_suffix(".manifest.json")

    def data(self, split: Split | None) -> Path:
        """The file of one side of a split, or of all where *split* is None."""
        if split is None:
            return self.path
        return self.path.with_name(f"{self.path.stem}.{split}{self.path.suffix}")

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """The folder of a data set, as Hugging Face lays it out: a card, and data in a folder."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """The file that says what the others are, and that the folder is ours."""
        return self.folder / "manifest.json"

    @property
    def card(self) -> Path:
        """What people read, and loaders look up the files in."""
        return self.folder / "README.md"

    def data(self, split: Split | None) -> Path:
        """The file of one side of a split, or of all where *split* is None."""
        return self.folder / "data" / f"{split or 'train'}.parquet"

    def prepare(self) -> None:
        """Make the folder, if it is not there from an earlier export.

        Raises:
            FolderInUse: It holds something else.
            OSError: It cannot be made.
        """
        if self.folder.exists() and not self._is_free():
            raise FolderInUse(
                f"{self.folder} holds something else than an earlier parquet export; choose a new "
                "folder"
            )
        self.data(None).parent.mkdir(parents=True, exist_ok=True)

    def remove_others(self, splits: tuple[Split | None, ...]) -> None:
        """Remove data files of an earlier export that are none of *splits*."""
        kept = {self.data(split) for split in splits}
        for split in ("train", "test"):
            if self.data(split) not in kept:
                self.data(split).unlink(missing_ok=True)

    def _is_free(self) -> bool:
        if not self.folder.is_dir():
            return False
        # One that was broken off has no manifest yet, and nothing but its data.
        return self._is_ours() or {path.name for path in self.folder.iterdir()} <= {"data"}

    def _is_ours(self) -> bool:
        try:
            manifest = orjson.loads(self.manifest.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(manifest, dict) and manifest.get("format") == "parquet"
