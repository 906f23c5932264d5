"""A simulated tool keeps to what happened before, and fails on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from simkit.agents.faults import Faults, spoiled
from simkit.traces.calls import Completion
from simkit.traces.functions import Function
from simkit.traces.records import Scenario, Trajectory

Calls = Callable[..., Completion]
USER = ["How warm is Oslo?", "Thanks! ###STOP###"]


def returned(**result: Any) -> str:
    return f"<func_return>{orjson.dumps(result).decode()}</func_return>"


def results(trajectory: Trajectory) -> list[Any]:
    return [orjson.loads(m.content) for m in trajectory.messages if m.role == "tool"]


@pytest.fixture
def shop(a_scenario: Callable[..., Scenario], a_function: Callable[..., Function]) -> Scenario:
    def function(name: str, *required: str) -> Function:
        properties = {argument: {"type": "string"} for argument in required}
        parameters = {"type": "object", "properties": properties, "required": list(required)}
        return a_function(name, parameters=parameters, outputs=None)

    return a_scenario(
        0,
        function("get_order", "order_id"),
        function("create_order", "item"),
        function("delete_order", "order_id"),
    )


GET = ("get_order", '{"order_id": "A-100"}')
CREATE = ("create_order", '{"item": "lamp"}')
DELETE = ("delete_order", '{"order_id": "A-100"}')


async def test_the_same_look_up_gives_the_same_answer_and_asks_no_model(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    troupe = company(
        user=USER,
        assistant=[calls(GET), calls(("get_order", '{"order_id":"A-100"}')), "Here."],
        tool=[returned(item="lamp")],
    )
    assert results(await troupe.play(shop)) == [{"item": "lamp"}] * 2


async def test_the_same_call_twice_in_one_message_is_answered_alike(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    troupe = company(
        user=USER, assistant=[calls(CREATE, CREATE), "Done."], tool=[returned(order_id="A-100")]
    )
    trajectory = await troupe.play(shop)
    assert results(trajectory) == [{"order_id": "A-100"}] * 2
    assert [m.tool_call_id for m in trajectory.messages if m.role == "tool"] == ["call_1", "call_2"]


async def test_after_a_change_the_model_is_asked_again_and_a_change_is_never_served_twice(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    troupe = company(
        user=USER,
        assistant=[calls(GET), calls(CREATE), calls(CREATE), calls(GET), "Done."],
        tool=[returned(n=1), returned(order_id="A-200"), returned(order_id="A-201"), returned(n=2)],
    )
    assert [*results(await troupe.play(shop))][-1] == {"n": 2}


async def test_what_was_created_exists_until_it_is_deleted(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    gone = returned(error={"type": "not_found", "message": "order A-100 not found"})
    troupe = company(
        user=USER,
        assistant=[calls(CREATE), calls(GET), calls(DELETE), calls(GET), "Gone."],
        tool=[
            returned(order_id="A-100"),
            gone,  # refused: it was created
            returned(order_id="A-100", item="lamp"),
            returned(deleted=True),
            gone,
        ],
    )
    found = results(await troupe.play(shop))
    assert found[1] == {"order_id": "A-100", "item": "lamp"}
    assert found[3]["error"]["type"] == "not_found"
    told = troupe.players["tool"].requests[2].messages[-1].content
    assert "A-100" in told
    assert "an earlier call returned it" in told


async def test_an_identifier_of_the_call_carries_over_to_the_result(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    troupe = company(
        user=USER,
        assistant=[calls(GET), "Here."],
        tool=[returned(order_id="B-9"), returned(order_id="a-100")],
    )
    assert results(await troupe.play(shop)) == [{"order_id": "a-100"}]


async def test_an_error_that_names_no_cause_is_no_usable_result(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    told = {"type": "forbidden", "message": "the order belongs to somebody else"}
    troupe = company(
        user=USER,
        assistant=[calls(GET), "Sorry."],
        tool=[returned(error="no"), returned(error=told)],
    )
    assert results(await troupe.play(shop)) == [{"error": told}]


async def test_a_time_out_on_purpose_is_recorded_and_the_same_call_then_works(
    company: Callable[..., Any], calls: Calls, shop: Scenario
) -> None:
    full = {"items": ["a", "b", "c"], "order_id": "A-100"}
    for seed in range(40):  # each seed draws its own kind
        scenario = Scenario(number=0, seed=seed, chain=shop.chain, tools=shop.tools)
        troupe = company(
            user=USER,
            assistant=[calls(GET), calls(GET), "Here."],
            tool=[returned(**full)] * 2,
            fault_rate=1.0,
        )
        trajectory = await troupe.play(scenario)
        kinds = [fault.kind for fault in trajectory.faults]
        first, second = results(trajectory)
        assert trajectory.faults[0].message == 2
        if kinds[0] in ("timeout", "transient"):
            assert "may be made again" in first["error"]["message"]
            assert second == full
        else:
            assert len(first["items"]) < 3
            assert second == first  # a result is a result: the same call gives the same one
        assert len(kinds) == 1


def test_faults_are_the_same_for_the_same_seed_and_as_many_as_asked_for() -> None:
    def drawn(seed: int) -> list[str | None]:
        return [Faults(seed, 0.1).draw(turn, 0) for turn in range(4_000)]

    assert drawn(1) == drawn(1) != drawn(2)
    counts = Counter(drawn(1))
    assert 0.08 < 1 - counts[None] / 4_000 < 0.12
    assert {"timeout", "transient", "empty", "partial", None} == set(counts)
    assert Faults(1, 0.0).draw(0, 0) is None


def test_a_spoiled_result_keeps_to_its_schema_or_stays_whole(
    a_function: Callable[..., Function],
) -> None:
    items = {"type": "array", "items": {"type": "string"}}
    outputs: dict[str, Any] = {"type": "object", "properties": {"items": items}}
    result = {"items": ["a", "b"]}
    assert spoiled("empty", a_function(outputs=outputs), result) == {"items": []}
    partial = spoiled("partial", a_function(outputs=outputs), result)
    assert partial is not None
    assert partial["items"] == ["a"]
    closed = a_function(outputs=outputs | {"additionalProperties": False})
    assert spoiled("partial", closed, result) == {"items": ["a"]}  # no room to say so
    whole = a_function(outputs={"properties": {"items": items | {"minItems": 2}}})
    assert spoiled("partial", whole, result) is None
    assert spoiled("empty", a_function(outputs=None), {"celsius": 3}) is None
