"""From a trajectory to its verdict: rules first, then judges, cheapest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import anyio

from simkit.filters.evidence import Evidence
from simkit.filters.filter import Check, Objection
from simkit.filters.panel import Decision, TrajectoryPanel, TurnPanel
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.records import Reason, Trajectory, TurnVerdict, Verdict, Vote

_SAID_BY_USERS = {
    "user_transferred": "the user was handed over, although the functions for it were on offer",
    "user_out_of_scope": "the assistant asked for what the user's intent does not settle",
}


class FilterPipeline:
    """Decides which trajectories are kept and which of their turns are trained on.

    A trajectory is dropped at the first stage that holds something against the whole;
    a turn that a rule masks is not shown to the turn judge. Masked turns stay as context
    (arXiv 2511.15718). Where the judges come to no ruling, on the whole or on one turn, the
    trajectory is undecided.

    Args:
        checks: The rules; reasons are listed in their order.
        trajectory_panel: The judges of the whole; None leaves this stage out.
        turn_panel: The judges of turns; None leaves this stage out.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        trajectory_panel: TrajectoryPanel | None,
        turn_panel: TurnPanel | None,
    ) -> None:
        self._checks = tuple(checks)
        self._trajectory_panel = trajectory_panel
        self._turn_panel = turn_panel
        panels = [panel for panel in (trajectory_panel, turn_panel) if panel is not None]
        judges = [panel.signatures[0] for panel in panels]
        self._model = judges[0].model if judges else None
        self._prompts = {judge.prompt: judge.prompt_hash for judge in judges}

    async def judge(self, trajectory: Trajectory) -> Verdict:
        """The verdict on *trajectory*; what models and providers do wrong is part of it.

        Raises:
            AccountProblem: The judge's account needs a person.
            ValueError: A check objects to a message that is not the assistant's.

        When cancelled, running judge calls are cancelled and no verdict is given.
        """
        if not _is_finished(trajectory):
            return _unfinished(trajectory)
        objections = [found for check in self._checks for found in check.check(trajectory)]
        whole = [_reason(found) for found in objections if found.turn is None]
        if whole:
            return _dropped(*whole)
        turns = _turns(trajectory, objections)
        if not any(turn.ok for turn in turns):
            return _nothing_to_train_on(turns)
        verdict = await self._ask_judges(Evidence(trajectory), turns)
        return replace(verdict, judge=self._model, prompts=self._prompts)

    async def _ask_judges(self, evidence: Evidence, turns: Sequence[TurnVerdict]) -> Verdict:
        votes: tuple[Vote, ...] = ()
        if self._trajectory_panel is not None:
            decision = await self._trajectory_panel.decide(evidence)
            votes = decision.votes if len(decision.votes) > 1 else ()
            if decision.ok is None:
                return Verdict(outcome="undecided", reasons=decision.reasons, votes=votes)
            if not decision.ok:
                return replace(_dropped(*decision.reasons), votes=votes)
        if self._turn_panel is None:
            return Verdict(outcome="kept", turns=tuple(turns), votes=votes)
        decisions = await _turn_decisions(self._turn_panel, evidence, turns)
        return replace(_with_decisions(turns, decisions), votes=votes)


def _is_finished(trajectory: Trajectory) -> bool:
    """Whether the user was content; to be handed over is fine where nothing else could be done."""
    if trajectory.ended == "user_transferred":
        return bool(trajectory.scenario.withheld)
    return trajectory.ended == "user_done"


def _unfinished(trajectory: Trajectory) -> Verdict:
    cause = trajectory.cause or trajectory.ended
    if trajectory.ended == "failed":
        reason = Reason(check=cause, message=trajectory.error or "the conversation failed")
        return Verdict(outcome="failed", reasons=(reason,))
    if trajectory.ended in _SAID_BY_USERS:
        return _dropped(Reason(check=trajectory.ended, message=_SAID_BY_USERS[trajectory.ended]))
    return _dropped(Reason(check="unfinished", message=f"the conversation was cut off: {cause}"))


def _dropped(*reasons: Reason) -> Verdict:
    return Verdict(outcome="dropped", reasons=reasons)


def _nothing_to_train_on(turns: Iterable[TurnVerdict]) -> Verdict:
    """Dropped, with the turn verdicts: they say what is wrong with each turn."""
    reason = Reason(check="no_trainable_turn", message="every assistant turn is masked")
    return Verdict(outcome="dropped", reasons=(reason,), turns=tuple(turns))


def _reason(objection: Objection) -> Reason:
    return Reason(check=objection.check, message=objection.message)


def _turns(trajectory: Trajectory, objections: Iterable[Objection]) -> list[TurnVerdict]:
    """One verdict for each assistant message, by the rules alone."""
    reasons: dict[int, list[Reason]] = {
        index: []
        for index, message in enumerate(trajectory.messages)
        if message.role == "assistant"
    }
    for found in objections:
        if found.turn not in reasons:
            raise ValueError(
                f"the check {found.check!r} objects to message {found.turn} of trajectory "
                f"{trajectory.id}, which is no assistant message; only those can be masked"
            )
        reasons[found.turn].append(_reason(found))
    return [
        TurnVerdict(index=index, ok=not held, reasons=tuple(held))
        for index, held in reasons.items()
    ]


async def _turn_decisions(
    panel: TurnPanel, evidence: Evidence, turns: Iterable[TurnVerdict]
) -> dict[int, Decision]:
    """Message index to decision, for each turn that is still ok; all are asked at once.

    All are waited for even when one cannot be decided, so that timing does not choose
    which reasons are recorded.
    """
    decisions: dict[int, Decision] = {}

    async def ask(index: int) -> None:
        decisions[index] = await panel.decide(evidence, index)

    with sole_error_raised():
        async with anyio.create_task_group() as tasks:
            for turn in turns:
                if turn.ok:
                    tasks.start_soon(ask, turn.index)
    return decisions


def _with_decisions(turns: Iterable[TurnVerdict], decisions: Mapping[int, Decision]) -> Verdict:
    judged = tuple(_judged(turn, decisions.get(turn.index)) for turn in turns)
    open_questions = [
        reason
        for _, decision in sorted(decisions.items())
        if decision.ok is None
        for reason in decision.reasons
    ]
    if open_questions:
        return Verdict(outcome="undecided", reasons=tuple(open_questions), turns=judged)
    if not any(turn.ok for turn in judged):
        return _nothing_to_train_on(judged)
    return Verdict(outcome="kept", turns=judged)


def _judged(turn: TurnVerdict, decision: Decision | None) -> TurnVerdict:
    if decision is None or decision.ok:
        return turn
    return replace(turn, ok=False, reasons=decision.reasons)
