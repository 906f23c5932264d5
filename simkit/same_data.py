"""Whether a run may go on with another configuration, or would mix two sets of data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from simkit.config import ConfigError, RunConfig, quoted

_SECTIONS = ("catalog", "graph", "walk", "chain", "dialogue", "conversation", "tools")
"""Whatever these say decides what is in the data; of the others, single options do."""
_PACE = frozenset({"tools.workers"})
"""Options in them that only decide how fast it is made."""
_IN_FILTERS = ("judge", "near_duplicates", "decontaminate")
"""Options of ``[filters]`` that do."""
_IN_MODEL = {"model": "name"}
"""Options of a role that are called otherwise in ``[model]``."""


def check_same_data(before: RunConfig, now: RunConfig, place: Path) -> None:
    """Make sure that what *now* adds to the run at *place* belongs to what *before* made.

    How fast and where models are asked may change, and how many conversations are wanted.

    Raises:
        ConfigError: It does not; a line for each option, with what to do.
    """
    problems = [
        f"{key}: the run in {place} was made with {_shown(old)}, and this asks for {_shown(new)}, "
        "which would mix two sets of data; leave it as it was, or choose a new folder with --out"
        for key, old, new in _differences(before, now)
    ]
    if problems:
        raise ConfigError(*problems)


def _differences(before: RunConfig, now: RunConfig) -> Iterator[tuple[str, Any, Any]]:
    """The options that differ, and both values; roles that differ alike are told as one."""
    old, new = dict(_deciding(before)), dict(_deciding(now))
    alike: dict[tuple[str, Any, Any], list[str]] = {}
    for key in sorted(old.keys() | new.keys()):
        values = old.get(key), new.get(key)
        table, _, rest = key.partition(".")
        if values[0] == values[1]:
            continue
        if table != "roles":
            yield key, *values
        elif key in old and key in new:  # else the role is new or gone, which another option says
            role, _, option = rest.partition(".")
            alike.setdefault((option, *values), []).append(role)
    for (option, *both), roles in alike.items():
        if set(roles) == set(now.roles_in_use) and len(roles) > 1:
            key = f"model.{_IN_MODEL.get(option, option)}"
        else:
            key = ", ".join(f"roles.{role}.{option}" for role in roles)
        yield key, *both


def check_same_prompts(
    before: Mapping[str, str] | None, now: Mapping[str, str], place: Path
) -> None:
    """Make sure that the run at *place* goes on with the prompts that it was made with.

    Raises:
        ConfigError: It would not: simkit's prompts have changed since.
    """
    if before is None or before == now:
        return
    changed = sorted(
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
    )
    raise ConfigError(
        f"the run in {place} was made with other prompts ({', '.join(changed)}), and going on "
        "would mix two sets of data; use the simkit that it was made with, or choose a new "
        "folder with --out"
    )


def data_digest(config: RunConfig, graph: Path) -> str:
    """16 bytes in hex that say what decides the data: the options and the function graph.

    Raises:
        OSError: The graph cannot be read.
    """
    digest = hashlib.blake2b(graph.read_bytes(), digest_size=16)
    digest.update(orjson.dumps(sorted(_deciding(config))))
    return digest.hexdigest()


def check_belongs(noted: str | None, found: str, place: Path) -> None:
    """Make sure that database, graph and configuration at *place* are of one run.

    Raises:
        ConfigError: They are not: somebody has put two runs together.
    """
    if noted is not None and noted != found:
        raise ConfigError(
            f"{place}: run.db was not made with the run.toml and run.graph beside it; put back "
            "those that belong to it, or choose a new folder with --out"
        )


def _deciding(config: RunConfig) -> Iterator[tuple[str, Any]]:
    """The options that decide what is in the data, each with its dotted key."""
    yield "run.seed", config.run.seed
    dumped = config.model_dump(mode="json")
    for option in _IN_FILTERS:
        yield f"filters.{option}", dumped["filters"][option]
    for number, judge in enumerate(config.filters.panel):
        yield f"filters.panel.{number}.model", judge.model
        yield f"filters.panel.{number}.temperature", judge.temperature
    for name in _SECTIONS:
        section: Mapping[str, Any] = dumped[name]
        for option, value in section.items():
            if f"{name}.{option}" not in _PACE:
                yield f"{name}.{option}", value
    for role in config.roles_in_use:
        used = config.role(role)
        yield f"roles.{role}.model", used.model
        yield f"roles.{role}.temperature", used.temperature
        yield f"roles.{role}.max_output_tokens", used.max_output_tokens
        modes = {config.providers[name].tool_mode for name in used.providers}
        yield f"providers.{used.providers[0]}.tool_mode", ", ".join(sorted(modes))


def _shown(value: Any) -> str:
    return "its default" if value is None else quoted(value)
