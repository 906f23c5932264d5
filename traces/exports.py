"""Kept trajectories as files of training data, each with a manifest that says what it is."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from simkit.traces.formats import openai_messages, sharegpt, toolmind
from simkit.traces.records import Provenance, Trajectory, Verdict
from simkit.traces.run_reader import RunReader, StoredTrajectory
from simkit.traces.verdict_sets import RUN_VERDICTS
from simkit.traces.whole_file import written_whole

ExportFormat = Literal["toolmind", "openai", "sharegpt"]

_Rows = Callable[[Trajectory, Verdict], Iterator[bytes]]

_ROWS: Mapping[ExportFormat, _Rows] = {
    "toolmind": toolmind.rows,
    "openai": openai_messages.rows,
    "sharegpt": sharegpt.rows,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote."""

    format: ExportFormat
    rows: int
    trajectories: int
    """Kept trajectories; in `toolmind` one without a trained turn gives no row."""
    path: Path
    manifest_path: Path
    sha256: str
    """Of the data file, in hex."""


def export_name(format: ExportFormat, verdicts: str = RUN_VERDICTS) -> str:  # noqa: A002 - the usual word for it
    """The usual file name of an export, e.g. ``toolmind.jsonl``, or ``toolmind-again.jsonl``."""
    return f"{format}.jsonl" if verdicts == RUN_VERDICTS else f"{format}-{verdicts}.jsonl"


def export(
    reader: RunReader,
    format: ExportFormat,  # noqa: A002 - see above
    out: Path,
    *,
    verdicts: str = RUN_VERDICTS,
) -> ExportReport:
    """Write the kept trajectories to *out* as JSON Lines, and a manifest beside it.

    Rows are in scenario order, and the same stored data gives the same bytes in both
    files. Each replaces an earlier file only when it is complete. One trajectory is in
    memory at a time.

    Args:
        reader: The run; it may still be going on.
        format: See `simkit.traces.formats`.
        out: The data file; its folder is made when missing. For a folder that exists, the
            file in it with the name of `export_name`.
        verdicts: The set that says what is kept and trained on; the manifest names it,
            unless it is the run's own.

    Raises:
        StoreError: The run cannot be read, or holds no such set of verdicts.
        OSError: The files cannot be written.
    """
    reader.check_verdicts(verdicts)
    path = out / export_name(format, verdicts) if out.is_dir() else out
    path.parent.mkdir(parents=True, exist_ok=True)
    tally = _Tally()
    with written_whole(path) as file:
        for stored in reader.trajectories("kept", verdicts=verdicts):
            _write_rows(stored, _ROWS[format], file, tally)
    report = ExportReport(
        format=format,
        rows=tally.rows,
        trajectories=tally.trajectories,
        path=path,
        manifest_path=path.with_suffix(".manifest.json"),
        sha256=tally.digest.hexdigest(),
    )
    manifest = _manifest(report, tally.origins)
    if verdicts != RUN_VERDICTS:
        manifest["verdicts"] = {verdicts: reader.meta().get(f"verdicts {verdicts}", "")}
    with written_whole(report.manifest_path) as file:
        file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        file.write(b"\n")
    return report


@dataclass(slots=True)
class _Origins:
    """Where the exported trajectories come from; more than one value when a run was mixed."""

    simkit: set[str] = field(default_factory=set)
    run_seeds: set[int] = field(default_factory=set)
    models: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    answered_by: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    prompts: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sources: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Catalog to the licences of its functions; empty when it names none."""
    notices: set[str] = field(default_factory=set)

    def add(self, provenance: Provenance, verdict: Verdict) -> None:
        if verdict.judge is not None:
            self.models["judge"].add(verdict.judge)
        for name, digest in verdict.prompts.items():
            self.prompts[name].add(digest)
        self.simkit.add(provenance.simkit)
        self.run_seeds.add(provenance.run_seed)
        for role, model in provenance.models.items():
            self.models[role].add(model)
        for role, models in provenance.answered_by.items():
            self.answered_by[role].update(models)
        for name, digest in provenance.prompts.items():
            self.prompts[name].add(digest)
        for source, licences in provenance.sources.items():
            self.sources[source].update(licences)
        if provenance.notice is not None:
            self.notices.add(provenance.notice)


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    trajectories: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    origins: _Origins = field(default_factory=_Origins)


def _write_rows(stored: StoredTrajectory, rows: _Rows, file: IO[bytes], tally: _Tally) -> None:
    if stored.verdict is None:
        return
    tally.trajectories += 1
    tally.origins.add(stored.trajectory.provenance, stored.verdict)
    for row in rows(stored.trajectory, stored.verdict):
        line = row + b"\n"
        file.write(line)
        tally.digest.update(line)
        tally.rows += 1


def _manifest(report: ExportReport, origins: _Origins) -> dict[str, Any]:
    return {
        "format": report.format,
        "rows": report.rows,
        "trajectories": report.trajectories,
        "sha256": report.sha256,
        "simkit": sorted(origins.simkit),
        "run_seed": sorted(origins.run_seeds),
        "models": _sorted_values(origins.models),
        "answered_by": _sorted_values(origins.answered_by),
        "prompts": _sorted_values(origins.prompts),
        "sources": _sorted_values(origins.sources),
        "notices": sorted(origins.notices),
    }


def _sorted_values(names: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(values) for name, values in sorted(names.items())}
