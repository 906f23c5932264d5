"""``simkit graph candidates``: what might feed each input, for people who look or label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def candidates(
    graph_file: Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", dir_okay=False, help="JSON Lines to write."),
    ],
    top: Annotated[int, typer.Option("--top", min=1, max=10_000, help="Producers an input.")] = 50,
    affinity: Annotated[
        Path | None,
        typer.Option(
            "--affinity", metavar="FILE", help="Weights that built the graph, if not simkit's."
        ),
    ] = None,
) -> None:
    """Write the likeliest producers of every input parameter, before any threshold.

    A line each: {"function", "parameter", "producers": [{"function", "output", "score"}, ...]},
    best first. Scores are by the rule and the embedder that the graph was built with.
    """
    import orjson

    from simkit.candidates_of import candidates_of
    from simkit.traces.whole_file import written_whole

    if out.resolve() == graph_file.resolve():
        raise typer.BadParameter(f"{out} is the graph; choose another name", param_hint="'--out'")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="'--out'")
    lines = producers = 0
    with written_whole(out) as file:
        for one in candidates_of(graph_file, top=top, affinity=affinity):
            file.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
            lines += 1
            producers += len(one.producers)
    print(f"{out}: {lines:,} input parameters, {producers:,} producers")
