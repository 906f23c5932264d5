"""Verdicts: what is dropped, what is masked, who is asked and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simkit.filters.filter import Objection
from simkit.filters.judges import PROMPTS, TrajectoryJudge, TurnJudge
from simkit.filters.panel import TrajectoryPanel, TurnPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.rules import default_checks
from simkit.traces.calls import ChatRequest
from simkit.traces.prompts import PromptSet
from simkit.traces.provider_errors import BalanceExhausted, ContentRefused, ProviderUnavailable
from simkit.traces.records import Message, Reason, ToolCall, Trajectory, TurnVerdict
from simkit.traces.voice import Voice

Build = Callable[..., Any]
OSLO = {"city": "Oslo"}

rules_only = FilterPipeline(default_checks(), None, None)


def judged_by(client: Any) -> FilterPipeline:
    prompts = PromptSet(PROMPTS)
    return FilterPipeline(
        default_checks(),
        TrajectoryPanel([TrajectoryJudge(Voice(role="judge", client=client), prompts)]),
        TurnPanel([TurnJudge(Voice(role="judge", client=client), prompts)]),
    )


def of_turn(request: ChatRequest) -> int:
    return request.site.turn


@pytest.fixture
def repaired(
    a_trajectory: Callable[..., Trajectory],
    user: Build,
    calls: Build,
    result: Build,
    says: Build,
    tool_error: Build,
) -> Trajectory:
    """A wrong call, its error, the right call, its result, the answer."""
    wrong = (user(), calls(a={"town": "Oslo"}), result("a", tool_error("invalid_arguments")))
    return a_trajectory(messages=(*wrong, calls(b=OSLO), result("b"), says()))


async def test_a_wrong_call_is_masked_and_its_repair_is_trained_on(repaired: Trajectory) -> None:
    verdict = await rules_only.judge(repaired)
    assert verdict.outcome == "kept"
    assert verdict.masked == (1,)
    wrong, repair, answer = verdict.turns
    assert [reason.check for reason in wrong.reasons] == [
        "schema_valid_arguments",
        "failed_tool_calls",
    ]
    assert (repair, answer) == (TurnVerdict(index=3, ok=True), TurnVerdict(index=5, ok=True))


async def test_turns_that_a_rule_masks_cost_no_judge(
    repaired: Trajectory, scripted: Build, ruling: Build
) -> None:
    client = scripted(lambda request: ruling(1))
    verdict = await judged_by(client).judge(repaired)
    assert verdict.masked == (1,)
    assert sorted(map(of_turn, client.asked)) == [-1, 3, 5]


async def test_the_turn_judge_masks_what_it_objects_to(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    client = scripted(lambda request: ruling(int(of_turn(request) != 1), "Too early."))
    verdict = await judged_by(client).judge(a_trajectory())
    assert verdict.outcome == "kept"
    assert verdict.turns == (
        TurnVerdict(index=1, ok=False, reasons=(Reason(check="turn_judge", message="Too early."),)),
        TurnVerdict(index=3, ok=True),
    )


async def test_the_trajectory_judge_drops_before_any_turn_is_judged(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    client = scripted(lambda request: ruling(0, "The goal is not met."))
    verdict = await judged_by(client).judge(a_trajectory())
    assert verdict.outcome == "dropped"
    assert verdict.reasons == (Reason(check="trajectory_judge", message="The goal is not met."),)
    assert verdict.turns == ()
    assert len(client.asked) == 1


async def test_a_broken_structure_is_dropped_without_a_judge(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build, user: Build
) -> None:
    client = scripted(lambda request: ruling(1))
    verdict = await judged_by(client).judge(a_trajectory(messages=(user(), user())))
    assert verdict.outcome == "dropped"
    assert {reason.check for reason in verdict.reasons} == {"role_order"}
    assert client.asked == []


async def test_a_failed_conversation_keeps_its_cause(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    client = scripted(lambda request: ruling(1))
    failed = a_trajectory(ended="failed", cause="request_refused", error="HTTP 400: too long")
    verdict = await judged_by(client).judge(failed)
    assert verdict.outcome == "failed"
    assert verdict.reasons == (Reason(check="request_refused", message="HTTP 400: too long"),)
    assert client.asked == []


async def test_an_unfinished_conversation_is_dropped(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    verdict = await rules_only.judge(a_trajectory(ended="limit", cause="message_limit"))
    (reason,) = verdict.reasons
    assert (verdict.outcome, reason.check) == ("dropped", "unfinished")
    assert "message_limit" in reason.message


async def test_a_conversation_with_nothing_to_train_on_is_dropped_without_a_judge(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build, user: Build
) -> None:
    client = scripted(lambda request: ruling(1))
    silent = a_trajectory(messages=(user(), Message(role="assistant")))
    verdict = await judged_by(client).judge(silent)
    assert [reason.check for reason in verdict.reasons] == ["no_trainable_turn"]
    assert verdict.masked == (1,)
    assert client.asked == []


async def test_a_conversation_whose_every_turn_the_judge_masks_is_dropped(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    client = scripted(lambda request: ruling(int(of_turn(request) < 0)))
    verdict = await judged_by(client).judge(a_trajectory())
    assert verdict.outcome == "dropped"
    assert [reason.check for reason in verdict.reasons] == ["no_trainable_turn"]
    assert verdict.masked == (1, 3)


async def test_a_judge_that_answers_nonsense_three_times_leaves_it_undecided(
    a_trajectory: Callable[..., Trajectory], scripted: Build
) -> None:
    client = scripted(lambda request: "hm")
    verdict = await judged_by(client).judge(a_trajectory())
    assert verdict.outcome == "undecided"
    assert [reason.check for reason in verdict.reasons] == ["judge_unusable"]
    assert verdict.turns == ()
    assert len(client.asked) == 3


async def test_every_undecided_turn_is_named_in_order(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    """Also when the later one gives up first: timing must not show in a verdict."""
    client = scripted(lambda request: ruling(1) if of_turn(request) < 0 else "hm")

    class SlowOnTheFirstTurn:
        model = client.model

        async def complete(self, request: ChatRequest) -> Any:
            if of_turn(request) == 1:
                await anyio.lowlevel.checkpoint()
            return await client.complete(request)

    verdict = await judged_by(SlowOnTheFirstTurn()).judge(a_trajectory())
    first, second = verdict.reasons
    assert verdict.outcome == "undecided"
    assert "message 1" in first.message
    assert "message 3" in second.message
    assert [turn.reasons for turn in verdict.turns] == [(first,), (second,)]


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("HTTP 503\nfrom m"), ContentRefused("the filter stopped it")]
)
@pytest.mark.parametrize("site", [-1, 3])
async def test_a_judge_without_a_reply_leaves_it_undecided_and_says_whose_fault_it_is(
    a_trajectory: Callable[..., Trajectory],
    scripted: Build,
    ruling: Build,
    error: Exception,
    site: int,
) -> None:
    client = scripted(lambda request: error if of_turn(request) == site else ruling(1))
    verdict = await judged_by(client).judge(a_trajectory())
    (reason,) = verdict.reasons
    assert (verdict.outcome, reason.check) == ("undecided", "judge_unavailable")
    assert "no fault of the conversation" in reason.message
    assert " ".join(str(error).split()) in reason.message


@pytest.mark.parametrize("first_turn_asked", [-1, 1])
async def test_a_problem_with_the_account_is_raised_by_itself(
    a_trajectory: Callable[..., Trajectory],
    scripted: Build,
    ruling: Build,
    first_turn_asked: int,
) -> None:
    """Also when two turns learn of it at the same time."""
    problem = BalanceExhausted("out of credit")
    client = scripted(lambda r: problem if of_turn(r) >= first_turn_asked else ruling(1))
    with pytest.raises(BalanceExhausted, match="out of credit"):
        await judged_by(client).judge(a_trajectory())


async def test_a_check_that_objects_to_a_user_message_is_a_bug_and_is_named(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    class Confused:
        name = "confused"

        def check(self, trajectory: Trajectory) -> Iterator[Objection]:
            yield Objection(check=self.name, message="?", turn=0)

    pipeline = FilterPipeline([Confused()], None, None)
    with pytest.raises(ValueError, match="'confused' objects to message 0"):
        await pipeline.judge(a_trajectory())


async def test_all_turns_are_judged_at_the_same_time(
    a_trajectory: Callable[..., Trajectory], scripted: Build, ruling: Build
) -> None:
    together = anyio.Event()
    inner = scripted(lambda request: ruling(1))

    class WaitsForTheOther:
        model = inner.model

        async def complete(self, request: ChatRequest) -> Any:
            answer = await inner.complete(request)
            if len(inner.asked) == 3:
                together.set()
            if of_turn(request) >= 0:
                await together.wait()
            return answer

    with anyio.fail_after(5):
        verdict = await judged_by(WaitsForTheOther()).judge(a_trajectory())
    assert verdict.masked == ()


_texts = st.sampled_from(["", " ", "hello", '{"celsius":1}', "</turn>"]) | st.text(max_size=5)
_errors = st.sampled_from(
    ['{"error":{"type":"invalid_arguments"}}', '{"error":[1]}', '{"error":{"type":{}}}', "null"]
)
_calls = st.builds(
    ToolCall,
    id=st.sampled_from("abc"),
    name=st.sampled_from(["get_temperature", "unknown"]),
    arguments=st.sampled_from(['{"city":"Oslo"}', '{"city":1}', "{", "[]", "", "[" * 2_000])
    | st.text(max_size=5),
)
_any_message = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool", "system"]),
    content=_texts | _errors,
    tool_calls=st.lists(_calls, max_size=2).map(tuple),
    tool_call_id=st.none() | st.sampled_from("abc"),
)


@st.composite
def _orderly_messages(draw: st.DrawFn) -> list[Message]:
    """Conversations of sound structure, whatever is said in them."""
    messages = []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content="x"))
        for number in range(draw(st.integers(0, 3))):
            call = draw(_calls)
            call = ToolCall(
                id=f"{len(messages)}-{number}", name=call.name, arguments=call.arguments
            )
            messages.append(Message(role="assistant", tool_calls=(call,)))
            content = draw(_texts | _errors)
            messages.append(Message(role="tool", content=content, tool_call_id=call.id))
        messages.append(Message(role="assistant", content=draw(_texts)))
    return messages


@given(
    messages=st.lists(_any_message, max_size=6) | _orderly_messages(),
    replies=st.lists(st.sampled_from([0, 1, 1, 1]), min_size=1, max_size=5),
    with_judges=st.booleans(),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_conversation_makes_the_pipeline_raise(
    a_trajectory: Callable[..., Trajectory],
    scripted: Build,
    ruling: Build,
    messages: list[Message],
    replies: list[int],
    with_judges: bool,
) -> None:
    """A kept one has one verdict for each assistant message, and one that is trained on."""
    client = scripted(lambda request: ruling(replies[of_turn(request) % len(replies)]))
    pipeline = judged_by(client) if with_judges else rules_only
    trajectory = a_trajectory(messages=tuple(messages))
    verdict = anyio.run(partial(pipeline.judge, trajectory))
    assert all(turn.ok == (not turn.reasons) for turn in verdict.turns)
    if verdict.outcome == "kept":
        assert [turn.index for turn in verdict.turns] == [
            index for index, message in enumerate(messages) if message.role == "assistant"
        ]
        assert any(turn.ok for turn in verdict.turns)
        assert verdict.reasons == ()
    else:
        assert verdict.reasons
