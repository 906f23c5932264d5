"""Reads a configuration from TOML and flags, and writes it back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from simkit.config import ROLES, ConfigError, RunConfig
from simkit.config_check import missing_provider
from simkit.config_problems import Origin, problem_lines
from simkit.toml_file import read_toml

_NOT_A_CONFIGURATION = (
    "; expected a configuration here: a catalog is named with --catalog, requests with --in"
)

_FILES = (("budget", "prices"), ("graph", "file"), ("graph", "affinity"))
"""Options that name a file."""
_FILE_LISTS = (("catalog", "paths"), ("filters", "decontaminate"), ("tools", "python"))
"""Options that name several."""


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """The configuration in *path*, with *overrides* on top and defaults underneath.

    Args:
        path: A TOML file; None for defaults only.
        overrides: Dotted key to value, as in ``{"run.seed": 3}``; a value of None is no
            override. ``provider.X`` stands for X of the provider that ``[model]`` names.

    Relative paths start at the folder of *path* in the file, and at the working directory in
    *overrides*; the result holds absolute ones.

    Raises:
        ConfigError: The file cannot be read or a value is wrong; one line for each problem,
            naming file and key, or line and column where the file is not TOML.
    """
    data = {} if path is None else _read(path)
    if path is not None:
        _resolve_paths(data, path.absolute().parent)
    given = {key: value for key, value in overrides.items() if value is not None}
    origin = Origin(file=str(path or "command line"), flags=_apply(given, data))
    try:
        config = RunConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(*problem_lines(error, origin)) from None
    _check_provider_names(config, origin)
    return config


def to_toml(config: RunConfig) -> str:
    """*config* as TOML, defaults included; what is unset is left out.

    `load_config` on the text gives an equal configuration.
    """
    tables = config.model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(_without_empty_tables(tables))


def _read(path: Path) -> dict[str, Any]:
    return read_toml(path, mend="" if path.suffix == ".toml" else _NOT_A_CONFIGURATION)


def _apply(overrides: Mapping[str, Any], data: dict[str, Any]) -> frozenset[str]:
    """Put *overrides* into *data*; returns their full keys."""
    keys = set()
    for key, value in overrides.items():
        full = _full_key(key, overrides, data)
        keys.add(full)
        *tables, name = full.split(".")
        table = data
        for step in tables:
            inner = table.setdefault(step, {})
            # Where the file has something else than a table, validation will say so.
            table = inner if isinstance(inner, dict) else {}
        table[name] = value
    for section, option in _FILE_LISTS:
        if (files := overrides.get(f"{section}.{option}")) is not None:
            data[section][option] = [_absolute(Path(item), Path.cwd()) for item in files]
    for section, option in _FILES:
        if (file := overrides.get(f"{section}.{option}")) is not None:
            data[section][option] = _absolute(Path(file), Path.cwd())
    return frozenset(keys)


def _full_key(key: str, overrides: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    table, _, rest = key.partition(".")
    if table != "provider":
        return key
    model = data.get("model")
    in_file = model.get("provider") if isinstance(model, dict) else None
    if isinstance(in_file, list):  # flags are about the first of several
        in_file = next(iter(in_file), None)
    return f"providers.{overrides.get('model.provider') or in_file or 'default'}.{rest}"


def _resolve_paths(data: dict[str, Any], folder: Path) -> None:
    for table, name in _FILES:
        section = data.get(table)
        if isinstance(section, dict) and isinstance(section.get(name), str):
            section[name] = _absolute(Path(section[name]), folder)
    for table, name in _FILE_LISTS:
        section = data.get(table)
        if isinstance(section, dict) and isinstance(section.get(name), list):
            section[name] = [
                _absolute(Path(item), folder) if isinstance(item, str) else item
                for item in section[name]
            ]


def _absolute(path: Path, folder: Path) -> Path:
    # normpath, not resolve: a link that someone made on purpose keeps its name.
    return Path(os.path.normpath(folder / path.expanduser()))


def _check_provider_names(config: RunConfig, origin: Origin) -> None:
    """A provider that is named must have its table.

    Only "default" may lack it, until a run starts: with flags alone, or for a demo, there
    is no file to hold one.
    """
    sections = {"model": config.model} | {f"roles.{role}": config.roles.of(role) for role in ROLES}
    named = {
        (f"{key}.provider", name) for key, section in sections.items() for name in section.provider
    }
    problems = [
        f"{origin.file}: {missing_provider(key, name, config.providers)}"
        for key, name in sorted(named)
        if name not in config.providers and name != "default"
    ]
    problems += [
        f"{origin.file}: {missing_provider(f'{key}.fallback', fallback.provider, config.providers)}"
        for key, section in sections.items()
        for fallback in section.fallback or ()
        if fallback.provider not in config.providers
    ]
    if problems:
        raise ConfigError(*problems)


def _without_empty_tables(tables: Mapping[str, Any]) -> dict[str, Any]:
    filled = {
        key: _without_empty_tables(value) if isinstance(value, dict) else value
        for key, value in tables.items()
    }
    return {key: value for key, value in filled.items() if value != {}}
