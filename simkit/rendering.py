"""A conversation as text that people read in a terminal, with or without colour.

Everything that a model or a catalog wrote is other people's text: it is put into
`rich.text.Text`, never parsed as markup, and cannot move the cursor or hide anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

import orjson
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from simkit.traces.plans import Step
from simkit.traces.records import (
    Fact,
    Intent,
    Message,
    Reason,
    Scenario,
    ToolCall,
    Trajectory,
    Verdict,
)

_ROLE_STYLES = {"system": "magenta", "user": "bold cyan", "assistant": "bold green", "tool": "blue"}
_OUTCOME_STYLES = {
    "kept": "bold green",
    "dropped": "bold yellow",
    "undecided": "bold yellow",
    "failed": "bold red",
}
_RESULT_LINES = 6
_RESULT_CHARACTERS = 500
_INDENT = (0, 0, 0, 4)


def render_conversation(trajectory: Trajectory, verdict: Verdict | None) -> RenderableType:
    """The whole conversation: who wanted what, each message, and what the filters said.

    Long results of calls are cut and say so; reasoning is dim; an assistant message that
    stays as context only is marked ``masked`` with the reasons. Made for 100 columns.
    """
    masked = {} if verdict is None else {t.index: t.reasons for t in verdict.turns if not t.ok}
    names = {call.id: call.name for message in trajectory.messages for call in message.tool_calls}
    parts: list[RenderableType] = [*_heading(trajectory, verdict)]
    if trajectory.intent is not None:
        parts += _intent(trajectory.intent)
    for index, message in enumerate(trajectory.messages):
        parts.append(Text())
        parts.append(_message_heading(index, message, names))
        if index in masked:
            parts.append(_indented(f"masked: {_reasons(masked[index])}", "yellow"))
        parts += _body(message)
    return Group(*parts)


def conversation_json(trajectory: Trajectory, verdict: Verdict | None) -> str:
    """The whole conversation as one JSON object: its record, and its verdict or null."""
    record = {"trajectory": trajectory, "verdict": verdict}
    return orjson.dumps(record, option=orjson.OPT_INDENT_2).decode()


def plain_text(text: str) -> str:
    """*text* without what a terminal would act on or hide.

    Line ends stay and tabs become spaces; other control characters, direction overrides
    and invisible format characters go. A lone surrogate, which cannot be printed, becomes
    U+FFFD.
    """
    return "".join(_plain_character(character) for character in text.replace("\r\n", "\n"))


def _plain_character(character: str) -> str:
    if character == "\n":
        return character
    if character in "\t\u2028\u2029":
        return " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return "" if category in {"Cc", "Cf"} else character


def _heading(trajectory: Trajectory, verdict: Verdict | None) -> Iterator[Text]:
    outcome = "not judged" if verdict is None else verdict.outcome
    ended = trajectory.ended if trajectory.cause is None else trajectory.cause
    line = Text(f"conversation {trajectory.scenario.number}: ")
    line.append(outcome, style=_OUTCOME_STYLES.get(outcome, ""))
    line.append(f", ended by {_on_one_line(ended)}, {len(trajectory.messages)} messages")
    yield line
    yield Text(f"chain: {_on_one_line(_chain(trajectory.scenario))}")
    if trajectory.scenario.dialogue != "gradual":
        yield Text(f"dialogue: {trajectory.scenario.dialogue.replace('_', ' ')}")
    if trajectory.scenario.withheld:
        withheld = ", ".join(function.name for function in trajectory.scenario.withheld)
        yield Text(f"not on offer: {_on_one_line(withheld)}")
    if verdict is not None and verdict.reasons:
        yield Text(f"{outcome} because {_reasons(verdict.reasons)}")
    if trajectory.error is not None:
        yield Text(f"error: {_on_one_line(trajectory.error)}", style="red")
    if trajectory.provenance.notice is not None:
        yield Text(f"notice: {_on_one_line(trajectory.provenance.notice)}", style="dim")


def _chain(scenario: Scenario) -> str:
    """The steps, e.g. ``(find_user) get_order + get_invoice -> pay (told when asked: amount)``;
    what nobody asks for stands in brackets."""
    if not scenario.plan:
        return " -> ".join(scenario.chain)
    return f"{' -> '.join(map(_step, scenario.plan))} [{scenario.kind.replace('_', ' ')}]"


def _step(step: Step) -> str:
    implicit = f"({', '.join(step.implicit)}) " if step.implicit else ""
    asked = f" (told when asked: {', '.join(step.when_asked)})" if step.when_asked else ""
    return f"{implicit}{' + '.join(step.functions)}{asked}"


def _intent(intent: Intent) -> Iterator[RenderableType]:
    yield Text(f"the user is {_on_one_line(intent.role)} ({_on_one_line(intent.style)})")
    for number, goal in enumerate(intent.goals, start=1):
        known = ", ".join(map(_fact, goal.known))
        yield _indented(f"{number}. {goal.text}" + (f" [{known}]" if known else ""))
    for constraint in intent.constraints:
        yield _indented(f"insists: {constraint}")
    if (change := intent.change) is not None:
        yield _indented(f"says at first: {change.name}={change.first} (goal {change.goal})")
    if intent.unknown:
        yield _indented(f"does not know: {', '.join(intent.unknown)}")


def _fact(fact: Fact) -> str:
    return f"{fact.name}={fact.value}{' when asked' if fact.when_asked else ''}"


def _message_heading(index: int, message: Message, names: dict[str, str]) -> Text:
    heading = Text.assemble((f"[{index}] ", "dim"))
    heading.append(message.role, style=_ROLE_STYLES[message.role])
    if message.tool_call_id is not None:
        answered = names.get(message.tool_call_id, "an unknown call")
        heading.append(f" {_on_one_line(answered)} ({_on_one_line(message.tool_call_id)})")
    return heading


def _body(message: Message) -> Iterator[RenderableType]:
    if message.reasoning:
        yield _indented(f"thinks: {message.reasoning}", "dim italic")
    if message.content:
        yield _indented(_cut(message.content) if message.role == "tool" else message.content)
    for call in message.tool_calls:
        yield _indented(f"calls {_call(call)} ({call.id})", "bold")


def _call(call: ToolCall) -> str:
    """The call as ``name(city="Oslo")``, or with the raw text where it is no JSON object."""
    try:
        arguments = call.parsed_arguments()
    except ValueError:
        return f"{call.name}({call.arguments})"
    shown = (f"{name}={orjson.dumps(value).decode()}" for name, value in arguments.items())
    return f"{call.name}({', '.join(shown)})"


def _cut(result: str) -> str:
    cut = "\n".join(result.split("\n")[:_RESULT_LINES])[:_RESULT_CHARACTERS]
    hidden = len(result) - len(cut)
    return f"{cut}\n... ({hidden:,} more characters)" if hidden else cut


def _reasons(reasons: Iterable[Reason]) -> str:
    return _on_one_line("; ".join(f"{reason.check}: {reason.message}" for reason in reasons))


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(plain_text(text), style=style, overflow="fold"), _INDENT, expand=False)


def _on_one_line(text: str) -> str:
    return " ".join(plain_text(text).split())
