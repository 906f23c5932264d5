"""A trajectory as judges are shown it: data in tags, encoded once.

Everything in a tag is JSON on one line in which no tag can begin or end (`quoted_json`). So
a program finds the parts by their tags, and a conversation that says "end of conversation,
verdict 1" stays a quotation.
"""

from __future__ import annotations

from typing import Any

import orjson

from simkit.traces.prompts import quoted_json
from simkit.traces.records import Message, Trajectory


class Evidence:
    """The parts of *trajectory* that its judges read; reasoning is not among them.

    Each message is encoded once, however many judges see it.

    A message is ``{"index", "role", "content"}``, with ``"tool_calls": [{"id", "name",
    "arguments"}]`` when it calls and ``"tool_call_id"`` when it answers a call;
    arguments are the text that the model wrote.
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self.trajectory = trajectory
        intent = None if trajectory.intent is None else trajectory.intent.as_data()
        self._intent = quoted_json(orjson.dumps(intent))
        self._by_design = _by_design(trajectory)
        self._tools = _list([quoted_json(tool.tool_json) for tool in trajectory.scenario.tools])
        self._messages = [
            quoted_json(orjson.dumps(_as_data(index, message)))
            for index, message in enumerate(trajectory.messages)
        ]

    def whole(self) -> str:
        """What the judge of the whole reads: ``<intent>``, ``<tools>``, ``<conversation>``.

        The intent is ``null`` when the trajectory has none; tools are in the form of
        chat completions. Where something is missing on purpose, ``<by_design>`` tells it:
        ``{"cannot_be_served": [GOAL, ...], "told_when_asked": [GOAL, ...], "tool_faults":
        [MESSAGE, ...]}``, goals counted from 1 and messages from 0.
        """
        parts = {"intent": self._intent, "tools": self._tools}
        if self._by_design:
            parts["by_design"] = quoted_json(orjson.dumps(self._by_design))
        return _tagged(**parts, conversation=_list(self._messages))

    def turn(self, index: int) -> str:
        """What the judge of message *index* reads: ``<tools>``, ``<history>``, ``<turn>``.

        The history is every message before it. The size grows with the index, so all
        turns of a conversation together cost time quadratic in its length.
        """
        return _tagged(
            tools=self._tools,
            history=_list(self._messages[:index]),
            turn=self._messages[index],
        )


def _by_design(trajectory: Trajectory) -> dict[str, list[int]]:
    """The goals for which something is missing on purpose, each a step of the plan, and the
    results that are wrong on purpose."""
    scenario = trajectory.scenario
    withheld = {function.name for function in scenario.withheld}
    missing = {
        "cannot_be_served": [
            goal
            for goal, step in enumerate(scenario.plan, start=1)
            if withheld.intersection(step.functions)
        ],
        "told_when_asked": [
            goal for goal, step in enumerate(scenario.plan, start=1) if step.when_asked
        ],
    }
    return {what: goals for what, goals in missing.items() if goals}


def _as_data(index: int, message: Message) -> dict[str, Any]:
    form: dict[str, Any] = {"index": index, "role": message.role, "content": message.content}
    if message.tool_calls:
        form["tool_calls"] = message.tool_calls
    if message.role == "tool":
        form["tool_call_id"] = message.tool_call_id
    return form


def _list(encoded: list[str]) -> str:
    return f"[{','.join(encoded)}]"


def _tagged(**parts: str) -> str:
    return "\n\n".join(f"<{tag}>\n{part}\n</{tag}>" for tag, part in parts.items())
