"""What a rehearsal and a probe tell alike at the end: tables, charts, doubts, a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from simkit.printable import printable_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simkit.config import RunConfig
    from simkit.tuning.picture import Picture


def print_result(
    tables: RenderableType, picture: Picture, notes: Iterable[str], verdict: str
) -> None:
    """Print *tables*, the charts of *picture*, *notes* a line each, and *verdict* last.

    Their texts may be other people's.
    """
    from rich.console import Console
    from rich.text import Text

    from simkit.rendering import plain_text
    from simkit.tuning.terminal_charts import TerminalCharts

    console = Console()
    console.print(tables, "", TerminalCharts(picture), "")
    for note in notes:
        console.print(Text(plain_text(note)))
    console.print(Text(plain_text(verdict), style="bold"))


def write_config(config: RunConfig, verdict: str, path: Path) -> None:
    """Write *config* to *path*, whole or not at all, under *verdict* as a comment.

    Raises:
        OSError: It cannot be written.
    """
    from simkit.config_file import to_toml
    from simkit.traces.whole_file import written_whole

    comment = f"# {printable_line(verdict)}\n"
    with written_whole(path) as file:
        file.write((comment + to_toml(config)).encode())
