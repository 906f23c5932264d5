"""``simkit config``: the configuration that a run would use."""

from __future__ import annotations

from simkit.cli import flags


@flags.overriding(flags.RUN)
def config(config_file: flags.ConfigFile = None, *, given: flags.Given) -> None:
    """Print the effective configuration.

    TOML with the flags on top of the file on top of the defaults: every option, with what it
    means. Those that are unset are comments. A file for `generate`.
    """
    from simkit.config_file import load_config
    from simkit.config_listing import listing

    print(listing(load_config(config_file, given)), end="")
