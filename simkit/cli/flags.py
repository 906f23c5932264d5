"""Flags that several commands share, and what they are called in a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

Command = Callable[..., None]


class EmbedderName(StrEnum):
    """What ``--embedder`` takes."""

    MINILM = "minilm"
    LEXICAL = "lexical"
    PROVIDER = "provider"


class RuleName(StrEnum):
    """What ``--rule`` takes."""

    AFFINITY = "affinity"
    SIMILARITY = "similarity"


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
GraphFile = Annotated[
    Path | None,
    typer.Option("--graph", metavar="GRAPH", help="File of `graph build`, instead of catalogs."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Root of every random choice.")]
Judge = Annotated[
    bool | None, typer.Option("--judge/--no-judge", help="Model judges after the rules, or not.")
]
Gate = Annotated[
    bool | None,
    typer.Option("--gate/--no-gate", help="Ask first whether a chain hangs together, or not."),
]
MinLength = Annotated[int | None, typer.Option("--min-length", help="Fewest functions in a chain.")]
MaxLength = Annotated[int | None, typer.Option("--max-length", help="Most functions in a chain.")]
BudgetTokens = Annotated[
    int | None,
    typer.Option("--budget-tokens", help="Most tokens to spend, in and out; unset: no limit."),
]
BudgetMoney = Annotated[
    float | None,
    typer.Option("--budget-money", help="Most money to spend; the models need prices."),
]
Decontaminate = Annotated[
    list[Path] | None,
    typer.Option(
        "--decontaminate",
        metavar="PATH",
        help="Benchmark file; drop conversations whose user says 13 words in a row of it; "
        "repeatable.",
    ),
]
Tools = Annotated[
    list[Path] | None,
    typer.Option(
        "--tools",
        metavar="FILE",
        help="Python file whose functions really run when they are called; repeatable.",
    ),
]
PricesFile = Annotated[
    Path | None,
    typer.Option("--prices", metavar="FILE", help="What models cost; unset: simkit's own list."),
]

Flags = Mapping[str, Any]
"""Dotted keys of a configuration to the options that set them."""
Given = Mapping[str, Any]
"""Dotted keys to what the command line says; None where it says nothing. For `load_config`."""

LIMITS: Flags = {
    "provider.requests_per_minute": Rpm,
    "provider.tokens_per_minute": Tpm,
    "provider.input_tokens_per_minute": Itpm,
    "provider.output_tokens_per_minute": Otpm,
    "budget.tokens": BudgetTokens,
    "budget.money": BudgetMoney,
    "budget.prices": PricesFile,
}
RUN: Flags = {
    "catalog.paths": Catalogs,
    "provider.base_url": BaseUrl,
    "model.name": Model,
    "provider.api_key_env": ApiKeyEnv,
    "run.conversations": Conversations,
    "run.concurrency": Concurrency,
    **LIMITS,
    "tools.python": Tools,
    "graph.file": GraphFile,
    "graph.embedder": Embedder,
    "run.seed": Seed,
    "filters.judge": Judge,
    "filters.decontaminate": Decontaminate,
    "walk.min_length": MinLength,
    "walk.max_length": MaxLength,
    "chain.gate": Gate,
}

GRAPH: Flags = {
    "graph.embedder": Embedder,
    "graph.rule": Annotated[
        RuleName | None, typer.Option("--rule", help="What makes an edge; affinity unless you say.")
    ],
    "graph.min_score": Annotated[
        float | None,
        typer.Option("--min-score", help="Score that an edge exceeds; unset: the rule's own."),
    ],
    "graph.affinity": Annotated[
        Path | None,
        typer.Option("--affinity", metavar="FILE", help="Weights of `graph calibrate`."),
    ],
    "graph.max_out_edges": Annotated[
        int | None, typer.Option("--max-out-edges", help="Edges that leave a function at most.")
    ],
    "graph.max_in_edges": Annotated[
        int | None, typer.Option("--max-in-edges", help="Edges that come in to one at most.")
    ],
    "catalog.merge_near": Annotated[
        bool | None, typer.Option("--near/--no-near", help="Merge near duplicates, or not.")
    ],
    "catalog.infer_outputs": Annotated[
        bool | None,
        typer.Option("--infer/--no-infer", help="Infer outputs that are not declared, or not."),
    ],
    "provider.base_url": BaseUrl,
    "embedding.model": Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="What embeds, for --embedder provider."),
    ],
    "provider.api_key_env": ApiKeyEnv,
    "provider.requests_per_minute": Rpm,
    "provider.tokens_per_minute": Tpm,
}


def overriding(options: Flags) -> Callable[[Command], Command]:
    """Give a command *options* in the place of its parameter ``given``, which gets their values."""

    def decorate(command: Command) -> Command:
        names = {key.replace(".", "__"): key for key in options}

        @wraps(command)
        def with_options(**values: Any) -> None:
            given = {key: _plain(values.pop(name)) for name, key in names.items()}
            command(given=given, **values)

        parameters: list[Parameter] = []
        for own in signature(command, eval_str=True).parameters.values():
            if own.name == "given":
                parameters += [_parameter(name, options[key]) for name, key in names.items()]
            else:
                parameters.append(own.replace(kind=Parameter.KEYWORD_ONLY))
        # typer reads a command's options from its signature.
        with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return with_options

    return decorate


def _parameter(name: str, option: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=option)


def _plain(value: Any) -> Any:
    """*value* as a configuration may hold it; None for a list of nothing."""
    if isinstance(value, StrEnum):
        return value.value
    return None if value == [] else value
