"""Kept trajectories as files of training data, with a manifest that says what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import orjson

from simkit.traces.exports_card import card
from simkit.traces.exports_lines import HashedFile, LineFormat, row_lines
from simkit.traces.exports_origins import Origins
from simkit.traces.exports_parquet import check_parquet, parquet_rows
from simkit.traces.exports_place import FolderPlace, LinesPlace
from simkit.traces.exports_split import Split, check_share, split_of
from simkit.traces.formats import sharegpt
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.run_reader import RunReader, StoredTrajectory
from simkit.traces.verdict_sets import RUN_VERDICTS
from simkit.traces.whole_file import written_whole

ExportFormat = Literal[LineFormat, "parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One file of training data."""

    split: Split
    """``"train"`` where nothing was split."""
    path: Path
    rows: int
    trajectories: int
    """Kept trajectories, also those that give no row: in `toolmind` and `sharegpt` those
    without a turn that the format can train on, in `preference` those without a repair."""
    sha256: str
    """In hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote."""

    format: ExportFormat
    files: tuple[ExportedFile, ...]
    """Train before test."""
    manifest_path: Path
    left_out: int = 0
    """Turns that passed and that the format cannot hold; see `sharegpt.left_out`."""

    @property
    def path(self) -> Path:
        """The data file, or the one to train on."""
        return self.files[0].path

    @property
    def sha256(self) -> str:
        """Of the file at `path`."""
        return self.files[0].sha256

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    @property
    def trajectories(self) -> int:
        """Of all files."""
        return sum(file.trajectories for file in self.files)


def export_name(format: ExportFormat, verdicts: str = RUN_VERDICTS) -> str:  # noqa: A002 - the usual word for it
    """The usual name of an export, e.g. ``toolmind.jsonl``, or ``toolmind-again.jsonl``."""
    name = format if verdicts == RUN_VERDICTS else f"{format}-{verdicts}"
    return name if format == "parquet" else f"{name}.jsonl"


def export(
    reader: RunReader,
    format: ExportFormat,  # noqa: A002 - see above
    out: Path,
    *,
    verdicts: str = RUN_VERDICTS,
    test_share: float | None = None,
) -> ExportReport:
    """Write the kept trajectories to *out*, and a manifest.

    Rows are in scenario order, and the same stored data gives the same bytes in all files
    (of Parquet: with the same release of pyarrow). Each replaces an earlier file only when it
    is complete. One trajectory is in memory at a time; of Parquet, one group of rows.

    Args:
        reader: The run; it may still be going on.
        format: See `simkit.traces.formats`.
        out: The data file, with the manifest beside it; its folder is made when missing. For a
            folder that exists, the file in it with the name of `export_name`. Of ``parquet``:
            the folder of the data set, new or from an earlier export, with a card.
        verdicts: The set that says what is kept and trained on; the manifest names it,
            unless it is the run's own.
        test_share: Share of the chains that is kept for tests, in (0, 1), see `split_of`. The
            files are then called e.g. ``toolmind.train.jsonl`` and ``toolmind.test.jsonl``.

    Raises:
        ValueError: *test_share* is no such share.
        StoreError: The run cannot be read, or holds no such set of verdicts.
        ParquetUnavailable: pyarrow is needed and not installed.
        FolderInUse: The folder of the data set holds something else.
        OSError: The files cannot be written.
    """
    if test_share is not None:
        check_share(test_share)
    if format == "parquet":
        check_parquet()
    reader.check_verdicts(verdicts)
    place = _place(format, out, verdicts)
    place.prepare()
    splits: tuple[Split | None, ...] = (None,) if test_share is None else get_args(Split)
    paths: dict[Split, Path] = {split or "train": place.data(split) for split in splits}
    tally = _Tally()
    kept = reader.trajectories("kept", verdicts=verdicts)
    files = _written(kept, format, paths, tally, test_share or 0)
    report = ExportReport(
        format=format, files=files, manifest_path=place.manifest, left_out=tally.left_out
    )
    manifest = _manifest(report, tally.origins, test_share)
    if verdicts != RUN_VERDICTS:
        manifest["verdicts"] = {verdicts: reader.meta().get(f"verdicts {verdicts}", "")}
    if isinstance(place, FolderPlace):
        place.remove_others(splits)
        counts = reader.counts(verdicts=verdicts)
        text = card(place.folder.name, manifest, tally.trained_turns, counts)
        _replace(place.card, text.encode())
    _replace(place.manifest, orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    return report


def _written(
    kept: Iterable[StoredTrajectory],
    format: ExportFormat,  # noqa: A002 - see above
    paths: Mapping[Split, Path],
    tally: _Tally,
    test_share: float,
) -> tuple[ExportedFile, ...]:
    """The files of *paths*, each with the rows of its side."""
    with ExitStack() as stack:
        sides = {
            split: _Side(path=path, rows=stack.enter_context(_rows(format, path)))
            for split, path in paths.items()
        }
        for stored in kept:
            if stored.verdict is not None:
                side = sides[split_of(stored.trajectory.scenario.chain, test_share)]
                side.take(stored.trajectory, stored.verdict)
                tally.add(format, stored.trajectory, stored.verdict)
    return tuple(side.as_file(split) for split, side in sides.items())


def _replace(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)


class _Rows(Protocol):
    """An open file of rows."""

    @property
    def file(self) -> HashedFile: ...

    def write(self, trajectory: Trajectory, verdict: Verdict) -> int: ...


@dataclass(slots=True, kw_only=True)
class _Side:
    """One file while it is written."""

    path: Path
    rows: _Rows
    number: int = 0
    trajectories: int = 0

    def take(self, trajectory: Trajectory, verdict: Verdict) -> None:
        self.number += self.rows.write(trajectory, verdict)
        self.trajectories += 1

    def as_file(self, split: Split) -> ExportedFile:
        return ExportedFile(
            split=split,
            path=self.path,
            rows=self.number,
            trajectories=self.trajectories,
            sha256=self.rows.file.hexdigest(),
        )


@dataclass(slots=True)
class _Tally:
    """What is known about all files together."""

    origins: Origins = field(default_factory=Origins)
    trained_turns: int = 0
    left_out: int = 0

    def add(self, format: ExportFormat, trajectory: Trajectory, verdict: Verdict) -> None:  # noqa: A002 - see above
        self.origins.add(trajectory.provenance, verdict)
        self.trained_turns += sum(turn.ok for turn in verdict.turns)
        if format == "sharegpt":
            self.left_out += sharegpt.left_out(trajectory, verdict)


def _place(format: ExportFormat, out: Path, verdicts: str) -> LinesPlace | FolderPlace:  # noqa: A002 - see above
    if format == "parquet":
        return FolderPlace(out)
    return LinesPlace(out / export_name(format, verdicts) if out.is_dir() else out)


def _rows(format: ExportFormat, path: Path) -> AbstractContextManager[_Rows]:  # noqa: A002 - see above
    return parquet_rows(path) if format == "parquet" else row_lines(format, path)


def _manifest(report: ExportReport, origins: Origins, test_share: float | None) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "format": report.format,
        "rows": report.rows,
        "trajectories": report.trajectories,
    }
    if report.format == "sharegpt":
        manifest["trained_turns_left_out"] = report.left_out
    if test_share is None:
        manifest["sha256"] = report.sha256
    else:
        manifest["test_share"] = test_share
        manifest["files"] = {
            file.path.name: {
                "rows": file.rows,
                "trajectories": file.trajectories,
                "sha256": file.sha256,
            }
            for file in report.files
        }
    return manifest | origins.as_data()
