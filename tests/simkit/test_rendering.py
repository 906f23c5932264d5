"""A conversation in the terminal: readable without colour, and harmless whatever it says."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console

from simkit.rendering import plain_text, render_conversation
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import (
    Fact,
    Goal,
    Message,
    Reason,
    ToolCall,
    Trajectory,
    TurnVerdict,
    Verdict,
)

Build = Callable[..., Trajectory]


def shown(trajectory: Trajectory, verdict: Verdict | None = None, *, colour: bool = False) -> str:
    output = io.StringIO()
    console = Console(file=output, width=100, color_system="standard" if colour else None)
    console.print(render_conversation(trajectory, verdict))
    return output.getvalue()


def test_a_conversation_reads_from_intent_to_answer(a_trajectory: Build) -> None:
    text = shown(a_trajectory(), Verdict(outcome="kept"))

    assert [line.rstrip() for line in text.splitlines()] == [
        "conversation 0: kept, ended by user_done, 4 messages",
        "chain: get_temperature",
        "the user is a traveller (brief)",
        "    1. Find the temperature [city=Oslo]",
        "",
        "[0] user",
        "    How warm is it in Oslo?",
        "",
        "[1] assistant",
        "    thinks: I must look it up.",
        '    calls get_temperature(city="Oslo") (call_1)',
        "",
        "[2] tool get_temperature (call_1)",
        '    {"celsius":21.5}',
        "",
        "[3] assistant",
        "    thinks: Got it.",
        "    It is 21.5 degrees in Oslo.",
    ]


def test_a_planned_conversation_shows_its_steps_and_what_is_missing(
    a_trajectory: Build, a_function: Callable[..., Function]
) -> None:
    plain = a_trajectory()
    plan = (
        Step(functions=("find", "list"), implicit=("sign_in",)),
        Step(functions=("book",), when_asked=("seats",)),
        Step(functions=("pay",)),
    )
    scenario = replace(
        plain.scenario, kind="missing_function", plan=plan, withheld=(a_function("pay"),)
    )
    assert plain.intent is not None
    goal = Goal(text="Book", known=(Fact(name="seats", value="2", when_asked=True),))
    intent = replace(plain.intent, goals=(goal,))
    lines = [
        line.rstrip()
        for line in shown(replace(plain, scenario=scenario, intent=intent)).splitlines()
    ]
    assert lines[1:3] == [
        "chain: (sign_in) find + list -> book (told when asked: seats) -> pay [missing function]",
        "not on offer: pay",
    ]
    assert "    1. Book [seats=2 when asked]" in lines


def test_a_masked_turn_says_why(a_trajectory: Build) -> None:
    reason = Reason(check="schema_valid_arguments", message="city is missing")
    verdict = Verdict(
        outcome="kept",
        turns=(TurnVerdict(index=1, ok=False, reasons=(reason,)), TurnVerdict(index=3, ok=True)),
    )
    lines = shown(a_trajectory(), verdict).splitlines()

    heading = next(n for n, line in enumerate(lines) if line.startswith("[1] assistant"))
    assert lines[heading + 1].strip() == "masked: schema_valid_arguments: city is missing"
    assert sum("masked" in line for line in lines) == 1


def test_a_dropped_or_failed_conversation_says_why(a_trajectory: Build) -> None:
    verdict = Verdict(outcome="dropped", reasons=(Reason(check="judge", message="no goal met"),))
    assert "dropped because judge: no goal met" in shown(a_trajectory(), verdict)

    failed = a_trajectory(messages=(), ended="failed", cause="refused", error="HTTP 400\nbad")
    assert "not judged, ended by refused, 0 messages" in shown(failed)
    assert "error: HTTP 400 bad" in shown(failed)


def test_hostile_text_is_shown_and_obeyed_by_nothing(a_trajectory: Build) -> None:
    """
    No markup, no escape sequence, no bell, no direction override, no crash.
    """
    hostile = "[bold red]hi[/] [/nonsense] \x1b[2J\x1b]0;title\x07 \u202eevil \x9b31m \ud800 \r\x08"
    call = ToolCall(id=hostile, name=hostile, arguments=hostile)
    trajectory = a_trajectory(
        messages=(
            Message(role="user", content=hostile),
            Message(role="assistant", content=hostile, reasoning=hostile, tool_calls=(call,)),
            Message(role="tool", content=hostile, tool_call_id=hostile),
        ),
        cause=hostile,
        error=hostile,
        ended="failed",
    )
    text = shown(trajectory)

    assert "[bold red]hi[/] [/nonsense] [2J" in text
    assert all(character == "\n" or character.isprintable() for character in text)


def test_colour_comes_from_us_alone(a_trajectory: Build) -> None:
    text = shown(a_trajectory(messages=(Message(role="user", content="\x1b[31mred"),)), colour=True)

    assert "\x1b[1;36muser\x1b[0m" in text
    assert "\x1b[31m" not in text


def test_a_long_result_is_cut_and_says_how_much_is_hidden(a_trajectory: Build) -> None:
    result = "\n".join(f"row {number}" for number in range(1000))
    call = ToolCall(id="c", name="rows", arguments="not json")
    text = shown(
        a_trajectory(
            messages=(
                Message(role="assistant", tool_calls=(call,)),
                Message(role="tool", content=result, tool_call_id="c"),
            )
        )
    )

    assert "row 5" in text
    assert "row 6\n" not in text
    assert f"... ({len(result) - 35:,} more characters)" in text
    assert "calls rows(not json) (c)" in text


def test_plain_text_keeps_lines_and_letters() -> None:
    assert plain_text("a\tb\r\nc é 日本 \u200bd\0") == "a b\nc é 日本 d"
