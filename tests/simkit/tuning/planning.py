"""Workloads made up for plans, and a rehearsal that is arithmetic."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from simkit.config import RunConfig
from simkit.tuning.plan_fluid import Situation, seconds_by_resource, slowest
from simkit.tuning.rehearsed import Rehearsed, Setting, Timeline
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import (
    Failures,
    Latencies,
    Machine,
    Round,
    Workload,
    WorkloadCall,
    WorkloadConversation,
)

MODEL = "made-up"
NO_TIMELINE = Timeline(
    step_seconds=1.0,
    calls_in_flight=(),
    conversations_in_flight=(),
    answered=(),
    refused=(),
    failed=(),
    input_tokens=(),
    output_tokens=(),
    limiting=(),
)


def call(role: str = "assistant", tokens: tuple[int, int] = (1_000, 100)) -> WorkloadCall:
    return WorkloadCall(role, MODEL, *tokens, 0)


def conversation(calls: int, *, judged: int = 0, **kind: Any) -> WorkloadConversation:
    """So many *calls*, one after another, and *judged* calls of judges at once."""
    playing = tuple(Round(0.0, (call(**kind),)) for _ in range(calls))
    judging = (Round(0.0, (call("judge"),) * judged),) if judged else ()
    return WorkloadConversation(playing, judging)


def workload(
    conversations: Sequence[WorkloadConversation],
    *,
    seconds: float = 2.0,
    cpu: float = 0.0,
    peak: int = 1_000_000,
    kept: float = 0.5,
) -> Workload:
    """Every call takes so many *seconds*."""
    return Workload(
        conversations=tuple(conversations),
        latencies=Latencies(classes=((seconds,),), doubled_at=None),
        failures=Failures(share=0.0, seconds=()),
        machine=Machine(
            cpu_seconds_per_call=cpu,
            base_bytes=100_000_000,
            bytes_per_conversation=1_000_000,
            disk_bytes_per_conversation=50_000,
        ),
        peak_calls_in_flight=peak,
        kept_share=kept,
    )


def varied(recorded: int, draw: random.Random) -> list[WorkloadConversation]:
    """Conversations as they come: lengths and sizes vary, the mean is 12 calls."""
    return [
        conversation(
            max(1, round(draw.gammavariate(4, 3))), tokens=(round(draw.gammavariate(2, 500)), 100)
        )
        for _ in range(recorded)
    ]


def situation(
    one: Workload, *, concurrency: int = 1_000, workers: int = 1_000, **limits: float
) -> Situation:
    """With *limits* that the provider enforces and the client is told."""
    config = RunConfig.model_validate(
        {
            "run": {"concurrency": concurrency},
            "model": {"name": MODEL},
            "filters": {"workers": workers},
            "providers": {"default": {"base_url": "http://host/v1", **limits}},
        }
    )
    return Situation(config=config, workload=one, terms={"default": ProviderTerms(**limits)})


def rehearse_by_arithmetic(
    config: RunConfig,
    workload: Workload,
    terms: Mapping[str, ProviderTerms],
    *,
    conversations: int,
) -> Rehearsed:
    """The slowest resource sets the pace, exactly."""
    uses = seconds_by_resource(Situation(config=config, workload=workload, terms=terms))
    calls = workload.calls_per_conversation
    return rehearsed(
        seconds=conversations * slowest(uses),
        calls_per_second=calls / slowest(uses),
        calls=round(conversations * calls),
        conversations=conversations,
    )


def rehearsed(
    *,
    seconds: float = 100.0,
    calls_per_second: float = 10.0,
    calls: int = 1_000,
    conversations: int = 100,
    finished: int | None = None,
    stopped_by: str | None = None,
    in_flight: float = 1.0,
    limiting: Mapping[str, float] | None = None,
) -> Rehearsed:
    return Rehearsed(
        setting=Setting(concurrency=1, filter_workers=1),
        conversations=conversations,
        finished=conversations if finished is None else finished,
        stopped_by=stopped_by,
        seconds=seconds,
        calls=calls,
        refused=0,
        failed=0,
        input_tokens=calls * 1_000,
        output_tokens=calls * 100,
        steady_calls_per_second=calls_per_second,
        quota_used={},
        limiting={"requests": 0.9} if limiting is None else limiting,
        waited_seconds={},
        mean_wait_seconds=0.0,
        p95_wait_seconds=0.0,
        mean_latency_seconds=0.0,
        p95_latency_seconds=0.0,
        mean_calls_in_flight=in_flight,
        peak_calls_in_flight=round(in_flight),
        memory_bytes=150_000_000,
        money=None,
        timeline=NO_TIMELINE,
    )
