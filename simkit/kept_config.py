"""The configuration that the folder of a run keeps, so that it needs no other file."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from simkit.config import RunConfig
from simkit.config_file import to_toml
from simkit.prices import Prices, prices_toml
from simkit.traces.run_directory import RunDirectory
from simkit.traces.whole_file import written_whole

_PRICES = "prices.toml"


def keep_config(
    directory: RunDirectory, config: RunConfig, prices: Prices, *, comment: str = ""
) -> None:
    """Put *config* into *directory*, with a copy of its *prices* unless they are simkit's own.

    Each of the two files is replaced whole, the configuration last: it never names a copy
    that is not there.

    Args:
        comment: Lines that begin with ``#``.

    Raises:
        OSError: A file cannot be written.
    """
    if config.budget.prices is not None:
        with written_whole(directory.path / _PRICES) as file:
            file.write(prices_toml(prices).encode())
        budget = config.budget.model_copy(update={"prices": Path(_PRICES)})
        config = config.model_copy(update={"budget": budget})
    directory.write_config(comment + to_toml(config))


def keep_changed(directory: RunDirectory, config: RunConfig, prices: Prices) -> None:
    """Put *config* in the place of what *directory* keeps, under the comment that is there.

    Raises:
        OSError: A file cannot be read or written.
    """
    with directory.config_path.open(encoding="utf-8", errors="replace") as kept:
        comment = "".join(takewhile(lambda line: line.startswith("#"), kept))
    keep_config(directory, config, prices, comment=comment)
