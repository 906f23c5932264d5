"""``simkit graph check``: what is read from catalogs, repaired, merged and rejected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli.errors import INTERRUPTED, RUN_FAILED

if TYPE_CHECKING:
    from simkit.graph.catalog import Catalog
    from simkit.graph.catalog_reading import OnProgress

EXIT_CODES = (
    "Exit codes: 0 some function can be used, 1 none can, 2 usage or input error, 130 interrupted."
)

_WIDTH = 140
"""Columns, where what is printed goes to a file or another program."""


def check(
    catalogs: Annotated[
        list[Path], typer.Argument(metavar="CATALOG...", help="Files or folders of functions.")
    ],
    near: Annotated[
        bool, typer.Option("--near/--no-near", help="Merge near duplicates as well, or not.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="More examples; who was merged into whom.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Rejections and merges, one a line of JSON."),
    ] = None,
) -> None:
    """Show what is read from catalogs, and why the rest is not.

    A row for each file: its format, functions read, of these merged as exact and as near
    duplicates of earlier ones, repairs in those kept, places rejected, functions kept with
    declared outputs and without a description. Files that hold no function are named.

    --json and --out name every near duplicate and every rejection (the first 100,000), with
    the place in the file.
    """
    import orjson

    from simkit.catalog_page import catalog_json

    _spare_catalogs(catalogs, out)
    try:
        catalog = _read(catalogs, near=near)
    except KeyboardInterrupt:
        print("simkit: interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if out is not None:
        _write_rows(catalog, out)
    if as_json:
        print(orjson.dumps(catalog_json(catalog), option=orjson.OPT_INDENT_2).decode())
    else:
        _print_tables(catalog, verbose=verbose)
    if not catalog.functions:
        raise typer.Exit(RUN_FAILED)


def print_catalog(catalog: Catalog) -> None:
    """Print how many functions were read, merged and rejected, and what was repaired."""
    from simkit.catalog_page import catalog_lines

    for line in catalog_lines(catalog):
        print(line)


def _read(catalogs: list[Path], *, near: bool) -> Catalog:
    from simkit.graph.catalog import read_catalogs

    with _progress() as on_progress:
        return read_catalogs(catalogs, near=near, pass_over=True, on_progress=on_progress)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A line on stderr that says how far it is, on a terminal only."""
    from rich.console import Console
    from rich.text import Text

    from simkit.printable import printable_line

    console = Console(stderr=True)
    with console.status("reading") as status:
        yield lambda what, functions: status.update(
            Text(f"{printable_line(what)}: {functions:,} functions so far")
        )


def _print_tables(catalog: Catalog, *, verbose: bool) -> None:
    from rich.console import Console

    from simkit.catalog_page import render_catalog

    # Where nobody sees a screen, lines are as long as the table needs.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(render_catalog(catalog, verbose=verbose))


def _write_rows(catalog: Catalog, out: Path) -> None:
    import orjson

    from simkit.catalog_page import catalog_rows

    with out.open("wb") as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in catalog_rows(catalog))


def _spare_catalogs(catalogs: list[Path], out: Path | None) -> None:
    if out is not None and out.resolve() in {path.resolve() for path in catalogs}:
        raise typer.BadParameter(f"{out} is the catalog; choose another name", param_hint="'--out'")
