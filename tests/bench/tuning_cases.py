"""Ten providers with a run at each, for measuring what tuning predicts and finds.

A conversation of these runs makes some 20 calls of about 900 tokens. The limits are such that
this machine, which plays the provider too, is not what limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.run import run
from simkit.session import Session, sessions_of
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.tuning.terms import ProviderTerms
from tests.bench.standin import standin

LATENCY = 0.4
LIMITS = {
    "requests_per_minute": "rpm",
    "tokens_per_minute": "tpm",
    "input_tokens_per_minute": "itpm",
    "output_tokens_per_minute": "otpm",
    "max_calls_in_flight": "concurrency",
}
"""Limits by the name of the stand-in's option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a provider does whatever its limits are."""

    latency: float = LATENCY
    doubled_at: float | None = None
    failure_share: float = 0.0

    @property
    def options(self) -> list[str]:
        """Of the stand-in."""
        options = ["--latency", str(self.latency)]
        if self.doubled_at is not None:
            options += ["--slowdown-at", str(self.doubled_at)]
        return [*options, "--faults", str(self.failure_share)] if self.failure_share else options


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One provider, and the setting of a run there."""

    name: str
    behaviour: Behaviour = Behaviour()
    limits: dict[str, float] = field(default_factory=dict)
    hints: str = "all"
    told: bool = False
    """Whether the run is told the limits."""
    concurrency: int = 50

    @property
    def options(self) -> list[str]:
        """Of the stand-in."""
        options = [*self.behaviour.options, "--hints", self.hints]
        for name, limit in self.limits.items():
            options += [f"--{LIMITS[name]}", f"{limit:g}"]
        return options

    @property
    def terms(self) -> ProviderTerms:
        """Of a simulated provider."""
        limits: dict[str, Any] = dict(self.limits)
        return ProviderTerms(hints=self.hints, **limits)  # type: ignore[arg-type]

    def told_options(self) -> dict[str, float]:
        """What the run is told, by dotted key."""
        if not self.told:
            return {}
        return {f"provider.{name}": limit for name, limit in self.limits.items()}


STEADY = Behaviour()
SLOWING = Behaviour(doubled_at=40)
FAULTY = Behaviour(failure_share=0.08)
BOTH = Behaviour(doubled_at=80, failure_share=0.05)

CASES = (
    Case(name="requests, told", limits={"requests_per_minute": 1_500}, told=True),
    Case(name="requests, bare 429", limits={"requests_per_minute": 1_800}, hints="none"),
    Case(name="tokens, in headers", limits={"tokens_per_minute": 1_500_000}),
    Case(name="input tokens, told", limits={"input_tokens_per_minute": 1_500_000}, told=True),
    Case(
        name="calls in flight, time to wait told",
        limits={"max_calls_in_flight": 16},
        hints="retry_after",
    ),
    Case(name="latency", concurrency=24),
    Case(
        name="faults and requests",
        behaviour=FAULTY,
        limits={"requests_per_minute": 1_800},
    ),
    Case(name="slower under load", behaviour=SLOWING, concurrency=60),
    Case(
        name="requests and calls in flight",
        limits={"requests_per_minute": 2_400, "max_calls_in_flight": 20},
        hints="retry_after",
    ),
    Case(
        name="slower, faults and tokens",
        behaviour=BOTH,
        limits={"tokens_per_minute": 1_800_000},
    ),
)

RECORDED_CONCURRENCY = 12
"""Of the runs that predictions are made from."""
RECORDED_CONVERSATIONS = 60
PLAYED_CONVERSATIONS = 150


def config_of(base_url: str, *, conversations: int, concurrency: int, **more: Any) -> RunConfig:
    """A run over the embedded catalog; options by dotted key with ``__`` in the place of dots."""
    return load_config(
        None,
        {
            "catalog.demo": True,
            "graph.embedder": "lexical",
            "model.name": "standin",
            "provider.base_url": base_url,
            "run.conversations": conversations,
            "run.concurrency": concurrency,
            "walk.min_length": 2,
            "walk.max_length": 4,
            **{key.replace("__", "."): value for key, value in more.items()},
        },
    )


def play(case: Case, directory: Path, *, conversations: int) -> tuple[RunConfig, Session]:
    """Play a run at the provider of *case*, for real; what it measured."""
    with standin(*case.options) as provider:
        config = config_of(
            provider.base_url,
            conversations=conversations,
            concurrency=case.concurrency,
            **{key.replace(".", "__"): told for key, told in case.told_options().items()},
        )
        anyio.run(run, config, directory, Bus())
    return config, session_of(directory)


def session_of(directory: Path) -> Session:
    """What the only process that played the run has measured."""
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        [session] = sessions_of(reader.meta())
    return session


def record(behaviour: Behaviour, directory: Path) -> None:
    """Play a run at a provider with *behaviour* and no limits, with a few conversations at once."""
    free = Case(name="", behaviour=behaviour, concurrency=RECORDED_CONCURRENCY)
    play(free, directory, conversations=RECORDED_CONVERSATIONS)
