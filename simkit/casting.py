"""Who plays and who judges in a run, made from its configuration and its voices."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from simkit.agents.beginning import Beginning
from simkit.agents.conversation import Cast, Conversations
from simkit.agents.limits import Limits
from simkit.config import RunConfig
from simkit.filters.filter import Check
from simkit.filters.judges import TrajectoryJudge, TurnJudge
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.rules import default_checks
from simkit.prompts import Prompts
from simkit.traces.calls import AgentRole
from simkit.traces.voice import Voice

JUDGES = ("trajectory_judge", "turn_judge")
"""The stages of a pipeline that ask a model."""


def conversations(
    config: RunConfig,
    voices: Mapping[AgentRole, Voice],
    prompts: Prompts,
    beginning: Beginning | None = None,
) -> Conversations:
    """What plays the scenarios of a run; those of a fork all go on from *beginning*."""
    limits = config.conversation
    return Conversations(
        Cast(
            writer=voices["writer"],
            user=voices["user"],
            assistant=voices["assistant"],
            tool=voices["tool"],
            reasoner=voices.get("reasoner"),
        ),
        prompts.agents,
        Limits(
            max_messages=limits.max_messages,
            max_calls_per_turn=limits.max_calls_per_turn,
            max_tool_rounds=limits.max_tool_rounds,
            max_errors=limits.max_errors,
            max_user_reasks=limits.max_user_reasks,
        ),
        run_seed=config.run.seed,
        beginning=beginning,
        fault_rate=config.tools.fault_rate,
        gated=config.chain.gate,
    )


def pipeline(
    voices: Mapping[AgentRole, Voice],
    prompts: Prompts,
    without: Container[str] = (),
    more: Sequence[Check] = (),
) -> FilterPipeline:
    """What judges trajectories; by rules alone where there is no judge.

    Args:
        without: Names of rules, and of `JUDGES`, that are not asked.
        more: Rules that are asked after the others.
    """
    checks = [check for check in (*default_checks(), *more) if check.name not in without]
    if "judge" not in voices:
        return FilterPipeline(checks, None, None)
    voice = voices["judge"]
    if voice.temperature is None:
        voice = replace(voice, temperature=0.0)  # a judge should say the same thing twice
    return FilterPipeline(
        checks,
        TrajectoryJudge(voice, prompts.filters) if "trajectory_judge" not in without else None,
        TurnJudge(voice, prompts.filters) if "turn_judge" not in without else None,
    )
