"""``simkit config``: the configuration that a run would use."""

from __future__ import annotations

from simkit.cli import flags


def config(
    config_file: flags.ConfigFile = None,
    catalog: flags.Catalogs = None,
    base_url: flags.BaseUrl = None,
    model: flags.Model = None,
    api_key_env: flags.ApiKeyEnv = None,
    conversations: flags.Conversations = None,
    concurrency: flags.Concurrency = None,
    rpm: flags.Rpm = None,
    tpm: flags.Tpm = None,
    embedder: flags.Embedder = None,
    seed: flags.Seed = None,
    judge: flags.Judge = None,
    min_length: flags.MinLength = None,
    max_length: flags.MaxLength = None,
) -> None:
    """Print the effective configuration.

    TOML with the flags on top of the file on top of the defaults; a file for `generate`.
    """
    from simkit.config_file import load_config, to_toml

    given = flags.overrides(
        catalogs=catalog,
        base_url=base_url,
        model=model,
        api_key_env=api_key_env,
        conversations=conversations,
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        embedder=embedder,
        seed=seed,
        judge=judge,
        min_length=min_length,
        max_length=max_length,
    )
    print(to_toml(load_config(config_file, given)), end="")
