"""Records and the model-call contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from simkit.traces.calls import CallSite, ChatRequest, ReplySchema
from simkit.traces.functions import Function
from simkit.traces.records import Message, ToolCall, Trajectory
from simkit.traces.seeds import derive_seed, stream

SITE = CallSite(scenario=3, role="assistant", turn=1)


def test_a_trajectory_survives_json_unchanged(a_trajectory: Callable[..., Trajectory]) -> None:
    trajectory = a_trajectory()
    assert trajectory.messages[0].wire  # what is cached must not reach the JSON
    assert TypeAdapter(Trajectory).validate_json(orjson.dumps(trajectory)) == trajectory


def test_a_stored_field_that_nobody_knows_is_refused(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    stored = orjson.loads(orjson.dumps(a_trajectory()))
    stored["messages"][0]["colour"] = "red"
    with pytest.raises(ValidationError, match="colour"):
        TypeAdapter(Trajectory).validate_python(stored)


def test_a_message_on_the_wire_has_no_reasoning_and_no_empty_content() -> None:
    message = Message(
        role="assistant",
        reasoning="secret",
        tool_calls=(ToolCall(id="a", name="f", arguments="{}"),),
    )
    wire = orjson.loads(message.wire)
    assert wire == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not list"),
        ("3", "not int"),
        ("null", "not NoneType"),
        ('{"a":' * 101 + "1" + "}" * 101, "nested too deeply"),
    ],
)
def test_arguments_that_are_no_object_are_named_as_such(arguments: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ToolCall(id="a", name="f", arguments=arguments).parsed_arguments()


def test_every_part_of_a_request_changes_its_fingerprint(
    a_function: Callable[..., Function],
) -> None:
    request = ChatRequest(site=SITE, messages=(Message(role="user", content="hi"),), seed=1)
    others = [
        replace(request, seed=2),
        replace(request, temperature=0.5),
        replace(request, max_output_tokens=5),
        replace(request, site=replace(SITE, ask=1)),
        replace(request, messages=(Message(role="user", content="hi!"),)),
        replace(request, tools=(a_function(),)),
        replace(request, reply_schema=ReplySchema(name="x", schema={"type": "object"})),
    ]
    prints = {r.fingerprint("m") for r in [request, *others]} | {request.fingerprint("n")}
    assert len(prints) == len(others) + 2
    assert replace(request).fingerprint("m") == request.fingerprint("m")


def test_seeds_depend_on_their_path_and_on_nothing_else() -> None:
    assert derive_seed(7, "walk", 3) == derive_seed(7, "walk", 3)
    assert derive_seed(7, "walk", 3) != derive_seed(7, "walk", "3")
    assert derive_seed(7, "walk", 3) != derive_seed(8, "walk", 3)
    assert stream(7, "a").random() == stream(7, "a").random()
