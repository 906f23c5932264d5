"""The workload of a run that was recorded: what its calls and sessions tell.

Works for runs that are finished, that go on, that were killed, and that went on later.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from simkit.config import ROLES, RunConfig
from simkit.config_file import load_config
from simkit.session import sessions_of
from simkit.traces.call_times import CallTimesOfRun, read_call_times
from simkit.traces.run_directory import RunDirectory
from simkit.tuning.latency_fit import fit_latencies
from simkit.tuning.recorded_costs import measured_failures, measured_machine
from simkit.tuning.recorded_doubts import doubts_of, ended_with_calls
from simkit.tuning.recorded_rounds import JUDGE, conversations_of
from simkit.tuning.workload import Workload

MOST_CONVERSATIONS = 5_000


class NothingRecorded(Exception):
    """A run has no answered call to learn from; says what to do."""


def read_workload(
    directory: RunDirectory, *, most_conversations: int = MOST_CONVERSATIONS
) -> Workload:
    """What the run in *directory* asked of its providers.

    Latencies are those of all its calls. Failed and unjudged conversations are in it as they
    are; those that have not ended are not, unless none has. Takes some seconds for each million
    calls, and some hundred bytes of memory for each call.

    Args:
        most_conversations: Of a run with more, every second, or third, and so on.

    Raises:
        NothingRecorded: No call was answered.
        ConfigError: Its configuration cannot be read.
        StoreError: Its database cannot be read.
    """
    config = load_config(directory.config_path, {})
    run = _of_the_run(read_call_times(directory.database_path), config)
    if len(run.calls) == 0:
        raise NothingRecorded(_nothing(directory, run))
    sessions = sessions_of(run.meta)
    fit = fit_latencies(run.calls)
    whole = ended_with_calls(run)
    scenarios = list(run.outcomes) if whole else np.unique(run.calls.scenario).tolist()
    step = -(-len(scenarios) // most_conversations)
    return Workload(
        conversations=conversations_of(run.calls, fit.latency_class, scenarios[::step]),
        latencies=fit.latencies,
        failures=measured_failures(sessions, run.calls),
        machine=measured_machine(
            sessions, database_bytes=run.database_bytes, conversations=len(scenarios)
        ),
        peak_calls_in_flight=fit.peak_calls_in_flight,
        kept_share=_kept_share(run),
        doubts=doubts_of(run, config, sessions, fit),
    )


def _nothing(directory: RunDirectory, run: CallTimesOfRun) -> str:
    if run.damaged:
        return (
            f"none of the {run.damaged:,} calls in {directory.path} has times and sizes that can "
            "be; play some conversations in a new run and give that, or state a workload with "
            "--from"
        )
    return (
        f"{directory.path} holds no answered call, so there is nothing to learn from; let it play "
        f"some conversations first (simkit generate {directory.path}), or state a workload with "
        "--from"
    )


def _of_the_run(found: CallTimesOfRun, config: RunConfig) -> CallTimesOfRun:
    """*found* without calls of unknown roles, which are damage, and of judges asked later."""
    calls = found.calls
    judges = {judge.model for judge in config.judges}
    known = np.array([role in ROLES for role, _ in calls.kinds], dtype=np.bool_)
    own = np.array(
        [role != JUDGE or model in judges for role, model in calls.kinds], dtype=np.bool_
    )
    if known.all() and own.all():
        return found
    damaged = found.damaged + int((~known[calls.kind]).sum())
    return replace(found, calls=calls.where((known & own)[calls.kind]), damaged=damaged)


def _kept_share(run: CallTimesOfRun) -> float:
    outcomes = Counter(run.outcomes.values())
    judged = outcomes.total() - outcomes[None]
    return outcomes["kept"] / judged if judged else 1.0
