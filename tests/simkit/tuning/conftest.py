"""Workloads and configurations for tests of tuning."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.tuning.workload import (
    Failures,
    Latencies,
    Machine,
    Round,
    Workload,
    WorkloadCall,
    WorkloadConversation,
)


@pytest.fixture
def a_workload() -> Callable[..., Workload]:
    """Build a workload: by default 40 conversations of 8 calls and 2 judges' calls, all alike:
    1,000 tokens in and 100 out, 1 s at the provider, and nothing that fails."""

    def build(
        conversations: int = 40,
        *,
        calls: int = 8,
        judging: int = 2,
        input_tokens: int = 1_000,
        output_tokens: int = 100,
        seconds: tuple[float, ...] = (1.0,),
        judging_seconds: tuple[float, ...] = (1.0,),
        doubled_at: float | None = None,
        failure_share: float = 0.0,
        cpu_seconds: float = 0.0,
        pause_seconds: float = 0.0,
        spread: float = 0.0,
        model: str = "m",
    ) -> Workload:
        draw = random.Random(5)

        def call(role: str) -> WorkloadCall:
            size = 1 + spread * draw.uniform(-1, 1)
            tokens = round(input_tokens * size), round(output_tokens * size)
            return WorkloadCall(role, model, *tokens, 1 if role == "judge" else 0)

        def conversation() -> WorkloadConversation:
            playing = tuple(Round(pause_seconds, (call("assistant"),)) for _ in range(calls))
            judges = tuple(call("judge") for _ in range(judging))
            return WorkloadConversation(playing, (Round(0.0, judges),) if judges else ())

        return Workload(
            conversations=tuple(conversation() for _ in range(conversations)),
            latencies=Latencies(classes=(seconds, judging_seconds), doubled_at=doubled_at),
            failures=Failures(share=failure_share, seconds=()),
            machine=Machine(
                cpu_seconds_per_call=cpu_seconds,
                base_bytes=100_000_000,
                bytes_per_conversation=50_000,
                disk_bytes_per_conversation=20_000,
            ),
            peak_calls_in_flight=100,
            kept_share=0.9,
        )

    return build


@pytest.fixture
def a_config() -> Callable[..., RunConfig]:
    """Build a configuration: the model ``m`` at the provider ``default``, which tells no limits.

    Give other options by their dotted keys with ``__`` in the place of dots.
    """

    def build(**options: Any) -> RunConfig:
        given = {
            "catalog.demo": True,
            "model.name": "m",
            "provider.base_url": "http://127.0.0.1:9/v1",
            **{key.replace("__", "."): value for key, value in options.items()},
        }
        return load_config(None, given)

    return build
