"""From a trajectory to its verdict: rules first, then judges, cheapest first."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace

import anyio

from simkit.filters.evidence import Evidence
from simkit.filters.filter import Check, Objection
from simkit.filters.judges import Ruling, TrajectoryJudge, TurnJudge
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.one_line import one_line
from simkit.traces.provider_errors import Refused, Retryable
from simkit.traces.records import Reason, Trajectory, TurnVerdict, Verdict
from simkit.traces.voice import ModelFailed

_SAID_BY_USERS = {
    "user_transferred": "the user was handed over, although the functions for it were on offer",
    "user_out_of_scope": "the assistant asked for what the user's intent does not settle",
}


class FilterPipeline:
    """Decides which trajectories are kept and which of their turns are trained on.

    A trajectory is dropped at the first stage that holds something against the whole;
    a turn that a rule masks is not shown to the turn judge. Masked turns stay as context
    (arXiv 2511.15718).

    Args:
        checks: The rules; reasons are listed in their order.
        trajectory_judge: None leaves this stage out.
        turn_judge: None leaves this stage out.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        trajectory_judge: TrajectoryJudge | None,
        turn_judge: TurnJudge | None,
    ) -> None:
        self._checks = tuple(checks)
        self._trajectory_judge = trajectory_judge
        self._turn_judge = turn_judge
        judges = [judge for judge in (trajectory_judge, turn_judge) if judge is not None]
        self._model = judges[0].signature.model if judges else None
        self._prompts = {j.signature.prompt: j.signature.prompt_hash for j in judges}

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
        if self._trajectory_judge is not None:
            ruling = await _ruling_or_reason(self._trajectory_judge.judge(evidence))
            if isinstance(ruling, Reason):
                return _dropped(ruling)
            if not ruling.ok:
                return _dropped(Reason(check="trajectory_judge", message=ruling.reason))
        if self._turn_judge is None:
            return Verdict(outcome="kept", turns=tuple(turns))
        return _with_rulings(turns, await _turn_rulings(self._turn_judge, evidence, turns))


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


async def _ruling_or_reason(question: Awaitable[Ruling]) -> Ruling | Reason:
    """The ruling, or the reason for which the conversation is dropped without one."""
    try:
        return await question
    except ModelFailed as error:
        return Reason(check="undecided", message=str(error))
    except (Retryable, Refused) as error:
        return Reason(
            check="judge_unavailable",
            message=one_line(
                "dropped unjudged, through no fault of the conversation: the judge's provider "
                f"gave no reply: {error}",
                limit=500,
            ),
        )


async def _turn_rulings(
    judge: TurnJudge, evidence: Evidence, turns: Iterable[TurnVerdict]
) -> dict[int, Ruling | Reason]:
    """Message index to ruling, for each turn that is still ok; all are asked at once.

    All are waited for even when one cannot be decided, so that timing does not choose
    which reasons are recorded.
    """
    rulings: dict[int, Ruling | Reason] = {}

    async def ask(index: int) -> None:
        rulings[index] = await _ruling_or_reason(judge.judge(evidence, index))

    with sole_error_raised():
        async with anyio.create_task_group() as tasks:
            for turn in turns:
                if turn.ok:
                    tasks.start_soon(ask, turn.index)
    return rulings


def _with_rulings(turns: Iterable[TurnVerdict], rulings: dict[int, Ruling | Reason]) -> Verdict:
    missing = [ruling for _, ruling in sorted(rulings.items()) if isinstance(ruling, Reason)]
    if missing:
        return _dropped(*missing)
    judged = tuple(_judged(turn, rulings.get(turn.index)) for turn in turns)
    if not any(turn.ok for turn in judged):
        return _nothing_to_train_on(judged)
    return Verdict(outcome="kept", turns=judged)


def _judged(turn: TurnVerdict, ruling: Ruling | Reason | None) -> TurnVerdict:
    if not isinstance(ruling, Ruling) or ruling.ok:
        return turn
    reason = Reason(check="turn_judge", message=ruling.reason)
    return replace(turn, ok=False, reasons=(reason,))
