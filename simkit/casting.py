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
from simkit.filters.panel import TrajectoryPanel, TurnPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.rules import default_checks
from simkit.prompts import Prompts
from simkit.traces.calls import AgentRole
from simkit.traces.voice import Voice


def conversations(
    config: RunConfig,
    voices: Mapping[AgentRole, Voice],
    prompts: Prompts,
    beginning: Beginning | None = None,
    real: Mapping[str, Voice] | None = None,
) -> Conversations:
    """What plays the scenarios of a run; those of a fork all go on from *beginning*.

    Args:
        real: Source of functions to the voice of what really runs them.
    """
    limits = config.conversation
    return Conversations(
        Cast(
            writer=voices["writer"],
            user=voices["user"],
            assistant=voices["assistant"],
            tool=voices["tool"],
            reasoner=voices.get("reasoner"),
            real=real or {},
        ),
        prompts.agents,
        Limits(
            max_messages=limits.max_messages,
            max_characters=limits.max_characters,
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
    judges: Sequence[Voice],
    prompts: Prompts,
    without: Container[str] = (),
    more: Sequence[Check] = (),
) -> FilterPipeline:
    """What judges trajectories; by rules alone where there is no judge.

    Args:
        judges: A panel, if there are several.
        without: Names of rules, and of `JUDGES`, that are not asked.
        more: Rules that are asked after the others.
    """
    checks = [check for check in (*default_checks(), *more) if check.name not in without]
    panel = [_consistent(voice) for voice in judges]
    whole = [TrajectoryJudge(voice, prompts.filters, part=part) for part, voice in enumerate(panel)]
    turns = [TurnJudge(voice, prompts.filters, part=part) for part, voice in enumerate(panel)]
    return FilterPipeline(
        checks,
        TrajectoryPanel(whole) if panel and "trajectory_judge" not in without else None,
        TurnPanel(turns) if panel and "turn_judge" not in without else None,
    )


def _consistent(voice: Voice) -> Voice:
    """A judge should say the same thing twice."""
    return replace(voice, temperature=0.0) if voice.temperature is None else voice
