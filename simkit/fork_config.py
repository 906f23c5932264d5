"""The configuration of a fork: its parent's, with what is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.traces.calls import AgentRole

_PROVIDER = "fork"
"""Name of the table of the provider that is named for a fork."""


def fork_config(
    parent: Path,
    count: int | None,
    overrides: Mapping[str, Any],
    *,
    roles: Iterable[AgentRole] = (),
    model: str | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
) -> RunConfig:
    """The configuration in the file *parent*, for *count* continuations.

    Args:
        parent: Of the run that is continued; or of the fork, which goes on.
        count: None: as many as *parent* says.
        overrides: As for `load_config`.
        roles: Whom *model* and *base_url* are about; none: every role.
        model: Asked in the place of the role's model, without its fallbacks.
        base_url: Asked in the place of the role's providers. It gets no key but the one in
            *api_key_env*: another provider's key is not for it.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    if api_key_env is not None and base_url is None:
        raise ConfigError("--api-key-env: it names the key for --base-url; give that too")
    if roles and model is None and base_url is None:
        raise ConfigError("--role: it says who uses --model or --base-url; give one of them")
    before = load_config(parent, {})
    given: dict[str, Any] = {**overrides, "run.conversations": count}
    if base_url is not None:
        given[f"providers.{_PROVIDER}"] = _table(base_url, api_key_env)
    for role in roles or before.roles_in_use:
        if model is not None:
            given[f"roles.{role}.model"] = model
        if base_url is not None:
            given[f"roles.{role}.provider"] = _PROVIDER
        if model is not None or base_url is not None:
            given[f"roles.{role}.fallback"] = []
    return load_config(parent, given)


def _table(base_url: str, api_key_env: str | None) -> dict[str, Any]:
    return {"base_url": base_url} | ({"api_key_env": api_key_env} if api_key_env else {})
