"""The scripted brain: finds out from the request which role to play, and plays it.

Nothing but the request says who asks: a reply schema names the writer, the judges and those
who help the graph, tools mean the assistant (either may be put in words), and the tags of the
project's prompts mean the user and the tool. Anything else gets a plain answer, as a chat model
would give one.
"""

from __future__ import annotations

import random
import re
from typing import Any

import orjson

from simkit.standin.brain_contract import Reply
from simkit.standin.roles.assistant import play_assistant
from simkit.standin.roles.completer import complete_functions
from simkit.standin.roles.judge import Conduct, judge_trajectory, judge_turn
from simkit.standin.roles.tool import run_function
from simkit.standin.roles.tool_modes import read_in_words, schema_in_words
from simkit.standin.roles.user import dialogue_kind, play_user
from simkit.standin.roles.validator import judge_chain, score_edges
from simkit.standin.roles.writer import write_intent
from simkit.standin.values import make_value

_SOUND = Conduct()
_RULINGS = frozenset({"trajectory_verdict", "turn_verdict"})
"""Reply schemas of judges."""


class ScriptedBrain:
    """Plays writer, user, assistant, tool, judge, completer and validator by rule.

    Args:
        mistakes: Probability, in [0, 1], that the assistant errs in a message in which
            it could; see `simkit.standin.roles.mistakes` for the kinds.
        judges: How the judges misbehave, if at all.
    """

    def __init__(self, *, mistakes: float = 0.0, judges: Conduct = _SOUND) -> None:
        self._mistakes = mistakes
        self._judges = judges

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        """The reply to a checked chat completions request."""
        messages = body["messages"]
        if body.get("tools"):
            tools = [tool["function"] for tool in body["tools"]]
            return play_assistant(messages, tools, draw, mistakes=self._mistakes)
        if (asked := read_in_words(body)) is not None:
            native = play_assistant(asked.messages, asked.tools, draw, mistakes=self._mistakes)
            return asked.reply(native)
        schema = (body.get("response_format") or {}).get("json_schema") or schema_in_words(body)
        if schema is not None:
            structured = _structured(schema, messages, draw)
            if schema["name"] in _RULINGS:
                return _said(self._judges.spoken(structured, draw))
            return _said(orjson.dumps(structured).decode())
        return _said(_spoken(messages, draw))


def _said(text: str) -> Reply:
    return Reply(content=text, tool_calls=(), reasoning=None, mistake=None)


def _structured(schema: dict[str, Any], messages: list[dict[str, Any]], draw: random.Random) -> Any:
    text = _all_text(messages)
    try:
        match schema["name"]:
            case "intent":
                steps = _tag(text, "steps") if "<steps>" in text else None
                return write_intent(
                    _tag(text, "functions"),
                    draw,
                    steps,
                    persona=_tag(text, "persona") if "<persona>" in text else None,
                    changes="change" in schema["schema"].get("properties", {}),
                )
            case "trajectory_verdict":
                by_design = _tag(text, "by_design") if "<by_design>\n" in text else {}
                return judge_trajectory(_tag(text, "intent"), _tag(text, "conversation"), by_design)
            case "turn_verdict":
                return judge_turn(_tools(text), _tag(text, "history"), _tag(text, "turn"))
            case "function_completions":
                return complete_functions(_tag(text, "functions"))
            case "edge_scores":
                return score_edges(_tag(text, "edges"))
            case "chain_verdict":
                return judge_chain(_tag(text, "chain"))
    except _NoSuchTag:
        pass  # not our prompt: anything that fits the schema is as good an answer
    return make_value(schema["schema"], schema["name"], draw)


def _spoken(messages: list[dict[str, Any]], draw: random.Random) -> str:
    system = str(messages[0].get("content")) if messages[0]["role"] == "system" else ""
    text = _all_text(messages[1:])
    try:
        if "<intent>" in system:
            kind = dialogue_kind(system)
            return play_user(_tag(system, "intent"), messages[1:], draw, kind)
        if "<call>" in text:
            earlier = _tag(text, "earlier_calls")
            return run_function(_tag(text, "function"), _tag(text, "call"), earlier, draw)
    except _NoSuchTag:
        pass  # somebody else's prompt with a tag of the same name
    return f"You said: {str(messages[-1].get('content'))[:200]}"


def _all_text(messages: list[dict[str, Any]]) -> str:
    return "\n".join(str(message.get("content") or "") for message in messages)


def _tag(text: str, name: str) -> Any:
    """The JSON inside the last ``<name>...</name>`` of *text*.

    Data inside a tag cannot hold a closing tag: the prompts escape it.
    """
    found = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    try:
        return orjson.loads(found[-1])
    except (IndexError, orjson.JSONDecodeError) as error:
        raise _NoSuchTag(name) from error


class _NoSuchTag(Exception):
    """The request does not carry the data of the project's own prompts."""


def _tools(text: str) -> list[dict[str, Any]]:
    """Function definitions from a ``<tools>`` tag, in either of the usual forms."""
    return [tool.get("function", tool) for tool in _tag(text, "tools")]
