"""How much of a provider's quota each client uses, and how often it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import mean
from typing import Any

from tests.bench import clients
from tests.bench.load_for import SMALL, Opener, Tally, keep_wanted
from tests.bench.row import Row
from tests.bench.standin import Standin, standin

SECONDS = 30
FROM = 10
"""The second from which the share counts."""
WAITING = 800
"""Calls that are wanted at any time: always more than the quota allows."""
LATENCY = ("--brain", "echo", "--latency", "0.3")

RIVALS: dict[str, Opener] = {
    "semaphore of 32 + tenacity": partial(clients.semaphore, at_once=32),
    "semaphore of 256 + tenacity": partial(clients.semaphore, at_once=256),
    "OpenAI SDK, 64 at once": partial(clients.openai_sdk, at_once=64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One provider, and what simkit is told of it."""

    name: str
    options: tuple[str, ...]
    told: dict[str, Any] = field(default_factory=dict)
    per_second: float | None = None
    """Calls that it permits; None: measured with a client that knows the cap."""
    tokens_per_second: float | None = None
    cap: int | None = None
    tokens: tuple[int, int] = SMALL
    """Tokens of a request."""
    aim: str


CASES = (
    Case(
        name="limits told",
        options=("--rpm", "6000"),
        told={"requests_per_minute": 6000.0},
        per_second=100,
        aim="at least 0.98, at most 0.1 % refused",
    ),
    Case(
        name="limits in headers",
        options=("--rpm", "6000"),
        per_second=100,
        aim="at least 0.96, at most 0.5 % refused",
    ),
    Case(
        name="no headers, bare 429",
        options=("--rpm", "6000", "--hints", "none"),
        per_second=100,
        aim="at least 0.90, at most 3 % refused",
    ),
    Case(
        name="cap of 200 untold, bare 429",
        options=("--concurrency", "200", "--hints", "none"),
        cap=200,
        aim="at least 0.93, at most 1 % refused",
    ),
    Case(
        name="token-bound, 100 to 4,000",
        options=("--tpm", "1200000"),
        tokens_per_second=20_000,
        tokens=(100, 4_000),
        aim="at least 0.96, at most 0.5 % refused",
    ),
)


def measure() -> list[Row]:
    return [row for case in CASES for row in _rows(case)]


def _rows(case: Case) -> Iterator[Row]:
    permitted = case.tokens_per_second or case.per_second or _oracle(case)
    openers: dict[str, Opener] = {"simkit": partial(clients.simkit, **case.told), **RIVALS}
    for client, opener in openers.items():
        with standin(*LATENCY, *case.options) as provider:
            tally = asyncio.run(_load(provider, opener, case))
            timeline = provider.timeline()
        yield Row(
            what=f"{case.name}: {client}",
            value=_per_second(timeline, case),
            baseline=permitted,
            baseline_name="permitted",
            unit="tokens/s" if case.tokens_per_second else "calls/s",
            aim=case.aim if client == "simkit" else "",
            note=_note(timeline, tally, case),
        )


def _oracle(case: Case) -> float:
    """Calls a second of a client that was told the cap and has nothing else to do."""
    with standin(*LATENCY) as provider:
        opener = partial(clients.semaphore, at_once=case.cap or 1)
        asyncio.run(_load(provider, opener, case))
        return _per_second(provider.timeline(), case)


def _load(provider: Standin, opener: Opener, case: Case) -> Coroutine[Any, Any, Tally]:
    return keep_wanted(
        provider.base_url, opener, wanted=WAITING, seconds=SECONDS, tokens=case.tokens
    )


def _per_second(timeline: dict[str, Any], case: Case) -> float:
    columns = ["input_tokens", "output_tokens"] if case.tokens_per_second else ["admitted"]
    return sum(mean(timeline[name][FROM:SECONDS]) for name in columns)


def _note(timeline: dict[str, Any], tally: Tally, case: Case) -> str:
    parts = []
    for words, first in (("refused", 0), (f"from second {FROM}", FROM)):
        refused = sum(timeline["refused"][first:SECONDS])
        answered = sum(timeline["answered"][first:SECONDS]) or 1
        parts.append(f"{words} {refused / answered:.2%}")
    if case.tokens != SMALL:
        small = mean([seconds for size, seconds in tally.waits if size < 1_000] or [0])
        large = mean([seconds for size, seconds in tally.waits if size > 3_000] or [0])
        parts.append(f"large wait {large / small if small else 0:.1f} times as long as small")
    if tally.given_up:
        parts.append(f"{tally.given_up:,} given up")
    return ", ".join(parts)
