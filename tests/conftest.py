"""What holds for every test, and what each may use: event loops, small valid records."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from simkit.traces.functions import Function
from simkit.traces.records import (
    Ended,
    Fact,
    Goal,
    Intent,
    Message,
    Provenance,
    Scenario,
    ToolCall,
    Trajectory,
)
from simkit.tuning.virtual_time import VirtualTimeLoop

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

# How long an example takes is no property: the machine may be busy.
settings.register_profile(
    "simkit", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("simkit")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What the tests import lives until the end: the collector is never to look through it.

    It takes 0.1 s to do so, and would have reason to at every run of a test.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture
def anyio_backend() -> Any:
    """Tests run on asyncio, as the program does; see `virtual_time` for the other loop."""
    return "asyncio"


@pytest.fixture
def virtual_time() -> Any:
    """The event loop for tests of waiting: its clock jumps to the next timer when all wait.

    A test module opts in with a fixture of its own::

        @pytest.fixture
        def anyio_backend(virtual_time):
            return virtual_time
    """
    return ("asyncio", {"loop_factory": VirtualTimeLoop})


@pytest.fixture
def shared_data() -> Path:
    """The folder of real catalogs and traces; the test is skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the real catalogs in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def a_function() -> Callable[..., Function]:
    """Build a valid function; by default it takes a required ``city`` and gives a number."""

    def build(name: str = "get_temperature", **changes: Any) -> Function:
        fields: dict[str, Any] = {
            "name": name,
            "description": "Get the current temperature in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "Name of the city."}},
                "required": ["city"],
                "additionalProperties": False,
            },
            "outputs": {
                "type": "object",
                "properties": {"celsius": {"type": "number", "description": "Temperature."}},
                "required": ["celsius"],
            },
            "outputs_origin": "declared",
            "domain": "weather",
            "source": "test",
            "licence": "Apache-2.0",
        }
        return Function(**(fields | changes))

    return build


@pytest.fixture
def a_scenario(a_function: Callable[..., Function]) -> Callable[..., Scenario]:
    """Build a scenario over the given functions (default: one)."""

    def build(number: int = 0, *functions: Function, seed: int = 7) -> Scenario:
        tools = functions or (a_function(),)
        return Scenario(
            number=number, seed=seed, chain=tuple(tool.name for tool in tools), tools=tools
        )

    return build


@pytest.fixture
def a_trajectory(a_scenario: Callable[..., Scenario]) -> Callable[..., Trajectory]:
    """Build a trajectory; by default a clean one: question, call, result, answer."""

    def build(
        number: int = 0,
        messages: tuple[Message, ...] | None = None,
        *,
        ended: Ended = "user_done",
        scenario: Scenario | None = None,
        **changes: Any,
    ) -> Trajectory:
        call = ToolCall(id="call_1", name="get_temperature", arguments='{"city":"Oslo"}')
        clean = (
            Message(role="user", content="How warm is it in Oslo?"),
            Message(
                role="assistant", content="", reasoning="I must look it up.", tool_calls=(call,)
            ),
            Message(role="tool", content='{"celsius":21.5}', tool_call_id="call_1"),
            Message(role="assistant", content="It is 21.5 degrees in Oslo.", reasoning="Got it."),
        )
        return Trajectory(
            id=f"7-{number}",
            scenario=scenario or a_scenario(number),
            intent=Intent(
                role="a traveller",
                style="brief",
                goals=(
                    Goal(text="Find the temperature", known=(Fact(name="city", value="Oslo"),)),
                ),
            ),
            messages=clean if messages is None else messages,
            ended=ended,
            provenance=Provenance(
                simkit="0.1.0",
                run_seed=7,
                models={"assistant": "m"},
                answered_by={"assistant": ("m-2026",)},
                prompts={"assistant": "0" * 16},
                sources={"test": ("Apache-2.0",)},
            ),
            **changes,
        )

    return build
