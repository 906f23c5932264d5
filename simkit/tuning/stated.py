"""A workload without a recorded run: drawn from what a file states.

The files that come with simkit are in ``examples``; they explain what they state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from pydantic import ValidationError

from simkit.config import ConfigError, RunConfig, quoted
from simkit.config_problems import problem_line
from simkit.toml_file import read_toml
from simkit.tuning.recorded_costs import (
    USUAL_BASE_BYTES,
    USUAL_BYTES_PER_CONVERSATION,
    USUAL_CPU_SECONDS_PER_CALL,
    usual_disk_bytes,
)
from simkit.tuning.stated_conversations import drawn_conversations
from simkit.tuning.stated_file import StatedFile, StatedRole, table_at
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import (
    Failures,
    Latencies,
    Machine,
    Workload,
    WorkloadConversation,
    calls_of,
)

EXAMPLES = Path(__file__).with_name("examples")

_PROVIDER = "default"
_ADDRESS = "http://stated.invalid/v1"
"""Nobody is asked there: ``.invalid`` names no machine, by RFC 2606."""
_CONVERSATIONS = 300
_LATENCIES = 400
"""Of each role: its quantiles, at equal distances."""
_P95 = NormalDist().inv_cdf(0.95)
_STATED = (
    "Sizes, latencies and limits are stated, not measured: the figures are as good as they are. "
    "CPU time, memory and disk are those of a usual machine."
)
_EVERY_LOAD = 100_000
"""Calls in flight for which a statement is meant: all that a run can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a file states, as a rehearsal takes it."""

    about: str
    workload: Workload
    terms: Mapping[str, ProviderTerms]
    """By the name of the provider; there is one."""
    config: RunConfig
    """Every role is played by the one model at the one provider, whose limits it tells."""


def shipped_examples() -> tuple[str, ...]:
    """Names of the statements that come with simkit, in order."""
    return tuple(sorted(path.stem for path in EXAMPLES.glob("*.toml")))


def stated_workload(name_or_path: str) -> Statement:
    """The statement of a shipped example, or in a file like one.

    The same file gives the same workload everywhere.

    Raises:
        ConfigError: There is none, or something in it is wrong; one line for each problem,
            with the file and what to mend.
    """
    file = _file(name_or_path)
    try:
        stated = StatedFile.model_validate(read_toml(file))
    except ValidationError as error:
        lines = (problem_line(detail, table_at) for detail in error.errors())
        raise ConfigError(*(f"{file}: {line}" for line in lines)) from None
    return Statement(
        about=stated.about,
        workload=_workload(stated),
        terms={_PROVIDER: _terms(stated)},
        config=_config(stated),
    )


def _file(name_or_path: str) -> Path:
    examples = shipped_examples()
    if name_or_path in examples:
        return EXAMPLES / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.is_file():
        raise ConfigError(
            f"there is no example {quoted(name_or_path)}; there is {', '.join(examples)}, and "
            "the path of a file like theirs works too"
        )
    return path


def _workload(stated: StatedFile) -> Workload:
    conversations = drawn_conversations(stated, _CONVERSATIONS)
    provider = stated.provider
    seconds = provider.failure_seconds
    return Workload(
        conversations=conversations,
        latencies=Latencies(
            classes=tuple(_seconds(role) for _, role in stated.roles.asked),
            doubled_at=provider.doubled_at,
        ),
        failures=Failures(
            share=provider.failure_share, seconds=() if seconds is None else (seconds,)
        ),
        machine=_machine(conversations),
        peak_calls_in_flight=_EVERY_LOAD,
        kept_share=stated.conversations.kept_share,
        doubts=(_STATED,),
    )


def _seconds(role: StatedRole) -> tuple[float, ...]:
    """Quantiles of the lognormal distribution that has the stated ones."""
    sigma = math.log(role.p95_seconds / role.median_seconds) / _P95
    normal = NormalDist()
    places = ((number + 0.5) / _LATENCIES for number in range(_LATENCIES))
    return tuple(role.median_seconds * math.exp(sigma * normal.inv_cdf(place)) for place in places)


def _machine(conversations: tuple[WorkloadConversation, ...]) -> Machine:
    calls = [call for one in conversations for call in calls_of(one)]
    disk = sum(usual_disk_bytes(call) for call in calls)
    return Machine(
        cpu_seconds_per_call=USUAL_CPU_SECONDS_PER_CALL,
        base_bytes=USUAL_BASE_BYTES,
        bytes_per_conversation=USUAL_BYTES_PER_CONVERSATION,
        disk_bytes_per_conversation=disk // len(conversations),
    )


def _terms(stated: StatedFile) -> ProviderTerms:
    provider = stated.provider
    return ProviderTerms(
        **provider.limits.model_dump(),
        window_seconds=provider.window_seconds,
        hints=provider.hints,
    )


def _config(stated: StatedFile) -> RunConfig:
    asked = dict(stated.roles.asked)
    limits = stated.provider.limits.model_dump(exclude_none=True)
    return RunConfig.model_validate(
        {
            "run": {"concurrency": stated.concurrency},
            "model": {"name": stated.model},
            # The reasoner is asked only where its table says anything.
            "roles": {"reasoner": {"model": stated.model}} if "reasoner" in asked else {},
            "filters": {"judge": "judge" in asked},
            "providers": {_PROVIDER: {"base_url": _ADDRESS, **limits}},
        }
    )
