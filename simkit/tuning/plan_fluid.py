"""The fluid model of a run: which limit a run comes up against, and how its pace follows demand.

Work is taken as a fluid: of each resource a run has so much a second, and each conversation
uses so much. A run takes at least as long as the resource that takes longest by itself:

    seconds >= conversations x max over resources (use of a conversation / capacity)

It knows nothing of bursts, queues and turns, which a rehearsal does; so the rehearsal tells how
long a run takes, and this model only by what share that changes when demand does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from simkit.config import RunConfig
from simkit.limit_options import IN_FLIGHT, PER_MINUTE
from simkit.limits.limiter import Metered
from simkit.tuning.plan_demand import Values, per_conversation
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Round, Workload, WorkloadCall

_USE: Mapping[Metered, Callable[[WorkloadCall], float]] = {
    "requests": lambda call: 1,
    "tokens": lambda call: call.input_tokens + call.output_tokens,
    "input_tokens": lambda call: call.input_tokens,
    "output_tokens": lambda call: call.output_tokens,
}

_LEAST_PER_SECOND = 1e-9
"""One in thirty years: what is less never comes, too, and its times would have no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is rehearsed: a run, and the providers that it will meet. Picklable."""

    config: RunConfig
    """Holds the setting, and what the client is told."""
    workload: Workload
    terms: Mapping[str, ProviderTerms]
    """What is enforced, by the name of a ``[providers.NAME]`` table."""


def seconds_by_resource(situation: Situation, *, slowed: float = 1.0) -> Values:
    """How long each conversation would take every resource, had it nothing else to do.

    Args:
        slowed: Times what latencies are without load.

    Returns:
        Shape ``(conversations, resources)``, in seconds.
    """
    workload, config = situation.workload, situation.config
    latency = _mean_latencies(workload, slowed)
    cpu = workload.machine.cpu_seconds_per_call
    alike = workload.conversations
    columns = [
        _lengths((one.playing for one in alike), latency) / config.run.concurrency,
        _lengths((one.judging for one in alike), latency) / config.filter_workers,
        per_conversation(workload, lambda call: cpu),
        *_at_providers(situation, latency),
    ]
    return np.stack(columns, axis=1)


def slowest(seconds: Values) -> float:
    """Seconds a conversation when all that limits is the resource that takes longest.

    Args:
        seconds: Shape ``(conversations, resources)``.
    """
    return float(seconds.mean(axis=0).max())


def mean_latency(workload: Workload) -> float:
    """Of a call without load, in seconds; 0 where nothing is called."""
    latency = _mean_latencies(workload, 1.0)
    calls = per_conversation(workload, lambda call: 1).sum()
    return float(per_conversation(workload, latency).sum() / calls) if calls else 0.0


def _mean_latencies(workload: Workload, slowed: float) -> Callable[[WorkloadCall], float]:
    means = [slowed * float(np.mean(seen)) for seen in workload.latencies.classes]
    return lambda call: means[call.latency_class]


def _lengths(
    played: Iterable[tuple[Round, ...]], latency: Callable[[WorkloadCall], float]
) -> Values:
    return np.array([sum(_length(one, latency) for one in rounds) for rounds in played])


def _length(one: Round, latency: Callable[[WorkloadCall], float]) -> float:
    return one.pause_seconds + max(map(latency, one.calls))


def _at_providers(
    situation: Situation, latency: Callable[[WorkloadCall], float]
) -> Iterator[Values]:
    for model, providers in _providers_by_model(situation.config).items():
        for kind, field in PER_MINUTE.items():
            if (capacity := _capacity(situation, providers, field)) is not None:
                per_second = max(capacity / 60, _LEAST_PER_SECOND)
                yield _of_model(situation.workload, model, _USE[kind]) / per_second
        if (capacity := _capacity(situation, providers, IN_FLIGHT)) is not None:
            yield _of_model(situation.workload, model, latency) / capacity


def _of_model(workload: Workload, model: str, use: Callable[[WorkloadCall], float]) -> Values:
    return per_conversation(workload, lambda call: use(call) if call.model == model else 0)


def _providers_by_model(config: RunConfig) -> dict[str, tuple[str, ...]]:
    # Limits are those of one model at one provider with one key.
    found: dict[str, dict[str, None]] = {}
    for role in config.in_use:
        found.setdefault(role.model, {}).update(dict.fromkeys(role.providers))
    return {model: tuple(names) for model, names in found.items()}


def _capacity(situation: Situation, providers: tuple[str, ...], field: str) -> float | None:
    """Of all accounts together; None when one of them has no such limit."""
    limits = [_limit(situation, name, field) for name in providers]
    return None if None in limits else sum(limit for limit in limits if limit is not None)


def _limit(situation: Situation, name: str, field: str) -> float | None:
    """Of the accounts at one provider: what it enforces or what the client is told, the lower."""
    provider, terms = situation.config.providers.get(name), situation.terms.get(name)
    known = [getattr(where, field) for where in (provider, terms) if where is not None]
    keys = 1 if provider is None else max(1, len(provider.api_key_env))
    limits = [keys * float(value) for value in known if value is not None]
    return min(limits, default=None)
