"""What was read from catalogs, as lines, tables and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.graph.catalog import Catalog, FileReport, Merge, Rejection
from simkit.graph.catalog_files import stem
from simkit.printable import printable_line
from simkit.tables import share_table, value_table
from simkit.traces.one_line import one_line

MOST_EXAMPLES = 5
"""Rejections, merges and files without functions that are shown one by one."""
MOST_EXAMPLES_VERBOSE = 50

_FIGURES = ("read", "exact", "near", "repaired", "rejected", "outputs", "no text")


def catalog_lines(catalog: Catalog) -> Iterator[str]:
    """How many functions were read, merged and rejected, and what was repaired."""
    yield (
        f"{len(catalog.functions):,} functions read, {catalog.merged:,} duplicates merged, "
        f"{len(catalog.rejected):,} rejected"
    )
    for what, times in catalog.repaired.items():
        yield f"  repaired {times:,} times: {printable_line(what)}"
    for file in catalog.files:
        if file.problem is not None:
            yield f"  {_problem(file)}"
    yield from _examples([_rejected(one) for one in catalog.rejected], MOST_EXAMPLES)


def catalog_totals(catalog: Catalog) -> dict[str, int]:
    """The figures of all files together."""
    files = catalog.files
    return {
        "files": len(files),
        "files_without_functions": sum(not file.read for file in files),
        "read": sum(file.read for file in files),
        "merged_exact": catalog.merged_exact,
        "merged_near": len(catalog.merges),
        "functions": len(catalog.functions),
        "rejected": sum(file.rejected for file in files),
        "with_outputs": sum(file.with_outputs for file in files),
        "without_description": sum(file.without_description for file in files),
    }


def catalog_json(catalog: Catalog) -> dict[str, Any]:
    """Everything that is known about reading *catalog*, but the functions themselves."""
    return {
        "totals": catalog_totals(catalog),
        "repaired": dict(catalog.repaired),
        "files": [{"read": file.read, **asdict(file)} for file in catalog.files],
        "merges": [asdict(merge) for merge in catalog.merges],
        "rejected": [asdict(rejection) for rejection in catalog.rejected],
    }


def catalog_rows(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """A row for each rejection, then one for each near duplicate, as JSON Lines hold them."""
    for rejection in catalog.rejected:
        yield {"kind": "rejected", **asdict(rejection)}
    for merge in catalog.merges:
        yield {"kind": "merged", **asdict(merge)}


def render_catalog(catalog: Catalog, *, verbose: bool) -> RenderableType:
    """Tables of the files, the totals and the repairs; with *verbose*, more examples."""
    most = MOST_EXAMPLES_VERBOSE if verbose else MOST_EXAMPLES
    usable = [file for file in catalog.files if file.read]
    problems = [_problem(file) for file in catalog.files if file.problem is not None]
    parts: list[RenderableType] = [_files_table(usable)] if usable else []
    parts += _listed("without a function, or cut short", problems, most)
    parts.append(_totals_table(catalog))
    if catalog.repaired:
        parts.append(share_table("repaired", catalog.repaired, sum(catalog.repaired.values())))
    if verbose:
        parts += _listed("repaired by file", [_repaired(file) for file in usable], len(usable))
        parts += _listed("near duplicates", [_merged(one) for one in catalog.merges], most)
    reasons = Counter(rejection.reason for rejection in catalog.rejected)
    if reasons:
        parts.append(share_table("rejected", dict(reasons.most_common()), reasons.total()))
    parts += _listed("rejected", [_rejected(one) for one in catalog.rejected], most)
    return Group(*parts)


def _files_table(files: list[FileReport]) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    table.add_column(Text("file", style="bold"), min_width=20, overflow="fold")
    table.add_column("format")
    for column in _FIGURES:
        table.add_column(column, justify="right", no_wrap=True)
    for file in files:
        figures = (
            *(file.read, file.merged_exact, file.merged_near, sum(file.repaired.values())),
            *(file.rejected, file.with_outputs, file.without_description),
        )
        shown = Text(printable_line(_short(file.path)))
        table.add_row(shown, ", ".join(file.formats), *(f"{figure:,}" for figure in figures))
    return table


def _totals_table(catalog: Catalog) -> Table:
    totals = catalog_totals(catalog)
    functions = totals["functions"] or 1
    values = {name.replace("_", " "): f"{number:,}" for name, number in totals.items()}
    for name in ("with outputs", "without description"):
        share = totals[name.replace(" ", "_")] / functions
        values[name] += f" ({share:.1%})"
    return value_table("all files", values)


def _listed(title: str, lines: list[str], most: int) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(title, style="bold"), *(Text(line) for line in _examples(lines, most))]


def _examples(lines: list[str], most: int) -> Iterator[str]:
    yield from (f"  {line}" for line in lines[:most])
    if (more := len(lines) - most) > 0:
        yield f"  and {more:,} more"


def _short(path: str) -> str:
    """The file and its folder, without how it is written: enough to know it by."""
    return "/".join((*Path(path).parts[-2:-1], stem(Path(path))))


def _problem(file: FileReport) -> str:
    said = (file.problem or "").partition("; simkit reads")[0]
    named = "/".join(Path(file.path).parts[-2:])
    return one_line(printable_line(f"{named} {said}"))


def _repaired(file: FileReport) -> str:
    repairs = ", ".join(f"{what} {times:,}" for what, times in file.repaired.items())
    return printable_line(f"{_short(file.path)}: {repairs or 'nothing'}")


def _rejected(rejection: Rejection) -> str:
    name = one_line(rejection.name or "a function", limit=80)
    where = f"{rejection.source}, {rejection.position}"
    return printable_line(f"rejected {name} ({where}): {rejection.reason}")


def _merged(merge: Merge) -> str:
    name = one_line(merge.name, limit=80)
    taken = f", which gave it {' and '.join(merge.filled)}" if merge.filled else ""
    return printable_line(
        f"{name} ({merge.source}, {merge.position}) into {merge.kept} ({merge.kept_source}), "
        f"{merge.likeness:.2f} alike{taken}"
    )
