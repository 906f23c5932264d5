"""Flags that several commands share, and what they are called in a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class EmbedderName(StrEnum):
    """What ``--embedder`` takes."""

    MINILM = "minilm"
    LEXICAL = "lexical"
    PROVIDER = "provider"


ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="RUN.toml", help="Configuration; flags go on top of it.")
]
Catalogs = Annotated[
    list[Path] | None,
    typer.Option("--catalog", metavar="PATH", help="File or folder of functions; repeatable."),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Provider, e.g. https://api.example.com/v1."),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Model of every role.")]
ApiKeyEnv = Annotated[
    str | None,
    typer.Option("--api-key-env", metavar="NAME", help="Environment variable with the API key."),
]
Conversations = Annotated[
    int | None, typer.Option("--conversations", "-n", help="How many conversations to play.")
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", help="Conversations in flight at most.")
]
Rpm = Annotated[
    float | None, typer.Option("--rpm", help="Requests a minute at most; unset: learned.")
]
Tpm = Annotated[
    float | None, typer.Option("--tpm", help="Tokens a minute at most; unset: learned.")
]
Itpm = Annotated[
    float | None, typer.Option("--itpm", help="Input tokens a minute at most; unset: learned.")
]
Otpm = Annotated[
    float | None, typer.Option("--otpm", help="Output tokens a minute at most; unset: learned.")
]
Embedder = Annotated[
    EmbedderName | None,
    typer.Option("--embedder", help="What compares parameter texts; minilm unless you say."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Root of every random choice.")]
Judge = Annotated[
    bool | None, typer.Option("--judge/--no-judge", help="Model judges after the rules, or not.")
]
MinLength = Annotated[int | None, typer.Option("--min-length", help="Fewest functions in a chain.")]
MaxLength = Annotated[int | None, typer.Option("--max-length", help="Most functions in a chain.")]


def overrides(
    *,
    catalogs: list[Path] | None,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    conversations: int | None,
    concurrency: int | None,
    rpm: float | None,
    tpm: float | None,
    embedder: EmbedderName | None,
    seed: int | None,
    judge: bool | None,
    min_length: int | None,
    max_length: int | None,
) -> Mapping[str, Any]:
    """The flags as `load_config` takes them; None where a flag was not given."""
    return {
        "catalog.paths": catalogs or None,
        "provider.base_url": base_url,
        "model.name": model,
        "provider.api_key_env": api_key_env,
        "run.conversations": conversations,
        "run.concurrency": concurrency,
        "provider.requests_per_minute": rpm,
        "provider.tokens_per_minute": tpm,
        "graph.embedder": embedder and embedder.value,
        "run.seed": seed,
        "filters.judge": judge,
        "walk.min_length": min_length,
        "walk.max_length": max_length,
    }
