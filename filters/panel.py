"""Several judges about one question: asked at the same time, the majority decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from simkit.filters.evidence import Evidence
from simkit.filters.judges import Ruling, Signature, TrajectoryJudge, TurnJudge
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.one_line import one_line
from simkit.traces.provider_errors import Refused, Retryable
from simkit.traces.records import Reason, Vote
from simkit.traces.voice import ModelFailed

UNUSABLE = "judge_unusable"
UNAVAILABLE = "judge_unavailable"
NO_MAJORITY = "no_majority"

UNDECIDED = (UNUSABLE, UNAVAILABLE, NO_MAJORITY)
"""Why nobody could decide: no reply was a ruling, the provider gave none, or the judges are
divided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a panel came to."""

    ok: bool | None
    """None: nobody could decide."""
    reasons: tuple[Reason, ...] = ()
    """Why not; empty when ok."""
    votes: tuple[Vote, ...] = ()
    """Of each judge, in the order of the panel."""


class TrajectoryPanel:
    """Decides on whole conversations.

    Args:
        judges: At least one; each needs a part of its own.
    """

    def __init__(self, judges: Sequence[TrajectoryJudge]) -> None:
        self._judges = tuple(judges)
        self.signatures = tuple(judge.signature for judge in judges)

    async def decide(self, evidence: Evidence) -> Decision:
        """Whether to keep the trajectory, and why not.

        Raises:
            AccountProblem: A judge's account needs a person.
        """
        return await _decision(
            self.signatures, [partial(judge.judge, evidence) for judge in self._judges]
        )


class TurnPanel:
    """Decides on single assistant turns.

    Args:
        judges: At least one; each needs a part of its own.
    """

    def __init__(self, judges: Sequence[TurnJudge]) -> None:
        self._judges = tuple(judges)
        self.signatures = tuple(judge.signature for judge in judges)

    async def decide(self, evidence: Evidence, index: int) -> Decision:
        """Whether to train on message *index*, and why not.

        Raises:
            AccountProblem: A judge's account needs a person.
        """
        return await _decision(
            self.signatures, [partial(judge.judge, evidence, index) for judge in self._judges]
        )


async def _decision(
    signatures: Sequence[Signature], questions: Sequence[Callable[[], Awaitable[Ruling]]]
) -> Decision:
    """The majority of the usable rulings, which at least half of the judges must have given.

    All are waited for, even when a majority is there: timing must not choose who counts.
    """
    rulings: dict[int, Ruling | Reason] = {}

    async def ask(judge: int, question: Callable[[], Awaitable[Ruling]]) -> None:
        rulings[judge] = await _ruling_or_reason(question)

    with sole_error_raised():
        async with anyio.create_task_group() as tasks:
            for judge, question in enumerate(questions):
                tasks.start_soon(ask, judge, question)
    given = [rulings[judge] for judge in range(len(questions))]
    votes = tuple(
        Vote(model=signature.model, ok=ruling.ok if isinstance(ruling, Ruling) else None)
        for signature, ruling in zip(signatures, given, strict=True)
    )
    return _decided(signatures[0].prompt, given, votes)


def _decided(check: str, given: Sequence[Ruling | Reason], votes: tuple[Vote, ...]) -> Decision:
    usable = [ruling for ruling in given if isinstance(ruling, Ruling)]
    missing = tuple(reason for reason in given if isinstance(reason, Reason))
    against = [ruling for ruling in usable if not ruling.ok]
    if 2 * len(usable) < len(given):
        return Decision(ok=None, reasons=missing, votes=votes)
    if 2 * len(against) == len(usable):
        message = f"{len(against)} judges say 1 and as many say 0: {against[0].reason}"
        reason = Reason(check=NO_MAJORITY, message=one_line(message, limit=500))
        return Decision(ok=None, reasons=(reason, *missing), votes=votes)
    if 2 * len(against) < len(usable):
        return Decision(ok=True, votes=votes)
    message = against[0].reason
    if len(given) > 1:
        message = one_line(f"{len(against)} of {len(given)} judges: {message}", limit=500)
    return Decision(ok=False, reasons=(Reason(check=check, message=message),), votes=votes)


async def _ruling_or_reason(question: Callable[[], Awaitable[Ruling]]) -> Ruling | Reason:
    """The ruling, or why there is none."""
    try:
        return await question()
    except ModelFailed as error:
        return Reason(check=UNUSABLE, message=str(error))
    except (Retryable, Refused) as error:
        return Reason(
            check=UNAVAILABLE,
            message=one_line(
                "unjudged, through no fault of the conversation: the judge's provider gave no "
                f"reply: {error}",
                limit=500,
            ),
        )
