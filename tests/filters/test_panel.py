"""Several judges about one conversation: who is asked, who decides, and when nobody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from simkit.filters.judges import PROMPTS, TrajectoryJudge, TurnJudge
from simkit.filters.panel import TrajectoryPanel, TurnPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.traces.calls import ChatRequest
from simkit.traces.prompts import PromptSet
from simkit.traces.provider_errors import BalanceExhausted, ProviderUnavailable
from simkit.traces.records import Trajectory, Verdict, Vote
from simkit.traces.voice import Voice

Build = Callable[..., Any]
NONSENSE = "hm"
DOWN = ProviderUnavailable("HTTP 503")


def judged_by(clients: Sequence[Any]) -> FilterPipeline:
    prompts = PromptSet(PROMPTS)
    voices = [Voice(role="judge", client=client) for client in clients]
    return FilterPipeline(
        [],
        TrajectoryPanel([TrajectoryJudge(v, prompts, part=n) for n, v in enumerate(voices)]),
        TurnPanel([TurnJudge(v, prompts, part=n) for n, v in enumerate(voices)]),
    )


@pytest.fixture
def verdict_by(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> Callable[..., Any]:
    """The verdict of judges that say the same to everything: 0, 1, nonsense, or an error."""

    async def judge(*said: Any) -> Verdict:
        clients = []
        for number, one in enumerate(said):
            reply = ruling(one, f"Judge {number} says {one}.") if one in (0, 1) else one
            clients.append(scripted(lambda request, reply=reply: reply))
        return await judged_by(clients).judge(a_trajectory())

    return judge


@pytest.mark.parametrize(
    ("said", "outcome", "checks"),
    [
        ((1, 1, 0), "kept", []),
        ((0, 1, 0), "dropped", ["trajectory_judge"]),
        ((1, NONSENSE, 1), "kept", []),
        ((1, NONSENSE), "kept", []),
        ((0, DOWN, DOWN, 0), "dropped", ["trajectory_judge"]),
        ((1, 0), "undecided", ["no_majority"]),
        ((1, 0, DOWN), "undecided", ["no_majority", "judge_unavailable"]),
        ((1, NONSENSE, DOWN), "undecided", ["judge_unusable", "judge_unavailable"]),
        ((NONSENSE, NONSENSE), "undecided", ["judge_unusable", "judge_unusable"]),
    ],
)
async def test_the_majority_of_usable_rulings_decides_if_half_are_usable(
    verdict_by: Build, said: tuple[Any, ...], outcome: str, checks: list[str]
) -> None:
    verdict = await verdict_by(*said)
    assert verdict.outcome == outcome
    assert [reason.check for reason in verdict.reasons] == checks
    assert [vote.ok for vote in verdict.votes] == [
        bool(one) if one in (0, 1) else None for one in said
    ]


async def test_a_reason_says_how_many_judges_gave_it(verdict_by: Build) -> None:
    (reason,) = (await verdict_by(1, 0, 0)).reasons
    assert reason.message == "2 of 3 judges: Judge 1 says 0."


async def test_a_judge_alone_leaves_no_votes(verdict_by: Build) -> None:
    assert (await verdict_by(1)).votes == ()


async def test_turns_are_masked_by_the_majority_too(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    objects = scripted(lambda request: ruling(int(request.site.turn != 1), "Too early."))
    content = scripted(lambda request: ruling(1))
    verdict = await judged_by([content, objects, objects]).judge(a_trajectory())
    assert (verdict.outcome, verdict.masked) == ("kept", (1,))
    assert verdict.turns[0].reasons[0].message == "2 of 3 judges: Too early."
    assert verdict.votes == (Vote(model="scripted-judge", ok=True),) * 3


async def test_each_judge_has_an_address_of_its_own(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    """Two members may be the same model: their requests must not share a fingerprint."""
    client = scripted(lambda request: ruling(1))
    await judged_by([client, client]).judge(a_trajectory())
    assert sorted((r.site.turn, r.site.part) for r in client.asked) == [
        (turn, part) for turn in (-1, 1, 3) for part in (0, 1)
    ]
    assert len({request.fingerprint("m") for request in client.asked}) == 6


async def test_the_judges_are_asked_at_the_same_time(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    inner = scripted(lambda request: ruling(1))
    both = anyio.Event()

    class WaitsForTheOther:
        model = inner.model

        async def complete(self, request: ChatRequest) -> Any:
            answer = await inner.complete(request)
            if len(inner.asked) == 2:
                both.set()
            await both.wait()
            return answer

    with anyio.fail_after(5):
        verdict = await judged_by([WaitsForTheOther(), WaitsForTheOther()]).judge(a_trajectory())
    assert verdict.outcome == "kept"


async def test_a_problem_with_one_account_is_raised_by_itself(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    broke = scripted(lambda request: BalanceExhausted("out of credit"))
    with pytest.raises(BalanceExhausted, match="out of credit"):
        await judged_by([scripted(lambda request: ruling(1)), broke]).judge(a_trajectory())
