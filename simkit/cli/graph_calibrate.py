"""``simkit graph calibrate``: weights and line of the edges, from labels of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    graph_file: Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")],
    labels: Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="What feeds what.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="AFFINITY.toml", dir_okay=False, help="File to write."),
    ] = None,
    threshold_only: Annotated[
        bool, typer.Option("--threshold-only", help="Keep the weights; fit the line alone.")
    ] = False,
) -> None:
    """Fit how edges are scored to labelled pairs, and show what that is worth.

    A label is a line {"function", "parameter", "producers": [...]}; a producer is the name of
    a function or {"function", "output"}. `graph build --affinity` takes the file written.
    """
    from rich.console import Console

    from simkit.calibrating import calibrate as calibrated_to
    from simkit.calibration_page import render_calibration
    from simkit.graph.affinity_file import affinity_toml
    from simkit.graph.labels import LabelsError
    from simkit.traces.whole_file import written_whole

    if out is not None and out.resolve() in {graph_file.resolve(), labels.resolve()}:
        raise typer.BadParameter(
            f"{out} is what is read; choose another name", param_hint="'--out'"
        )
    try:
        calibrated = calibrated_to(graph_file, labels, line_only=threshold_only)
    except LabelsError as error:
        _tell(labels, error.passed_over)
        raise
    _tell(labels, calibrated.problems)
    Console().print(render_calibration(calibrated))
    if out is not None:
        with written_whole(out) as file:
            file.write(affinity_toml(calibrated.affinity).encode())
        print(f"{out}: written")


def _tell(labels: Path, problems: Sequence[str]) -> None:
    """Name the labels that were passed over."""
    import sys

    from simkit.calibration_page import problem_lines
    from simkit.printable import printable_line

    for line in problem_lines(problems):
        print(printable_line(f"{labels}: {line}"), file=sys.stderr)
