"""Whether a request is one that hosted chat APIs would take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.standin.message_checks import check_messages
from simkit.standin.tool_checks import ToolChecker

_Holds = Callable[[Any], bool]


class RequestChecker:
    """Checks requests for the given *models*; remembers the tools that it has found sound."""

    def __init__(self, models: Collection[str]) -> None:
        self._models = models
        self._tools = ToolChecker()

    def checked(self, raw: bytes) -> dict[str, Any]:
        """The request in *raw*.

        Raises:
            InvalidRequest: The first fault found; it names the place.
        """
        body = _parsed(raw)
        self._check_model(body.get("model"))
        for name in body:
            if name not in _FIELDS:
                raise InvalidRequest(
                    name, f"unknown field; this server knows {', '.join(sorted(_FIELDS))}"
                )
        check_messages(body.get("messages"))
        for name, (holds, rule) in _RULES.items():
            value = body.get(name)
            if value is not None and not holds(value):
                raise InvalidRequest(name, f"must be {rule}, not {shown(value)}")
        if "tools" in body:
            self._tools.check_tools(body["tools"])
        if "tool_choice" in body:
            _check_tool_choice(body)
        if "response_format" in body:
            self._tools.check_response_format(body["response_format"])
        return body

    def _check_model(self, model: object) -> None:
        if not isinstance(model, str) or not model:
            raise InvalidRequest("model", "you must name a model")
        if model not in self._models:
            raise InvalidRequest(
                "model",
                f"the model {shown(model)} does not exist; there is {', '.join(self._models)}",
                status=404,
                code="model_not_found",
            )


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(None, f"The body of your request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequest(None, "The body of your request must be a JSON object")
    return body


def _check_tool_choice(body: Mapping[str, Any]) -> None:
    choice = body["tool_choice"]
    tools = body.get("tools")
    if tools is None:
        raise InvalidRequest("tool_choice", "is only allowed when there are tools")
    if choice in ("none", "auto", "required"):
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in [tool["function"]["name"] for tool in tools]:
        raise InvalidRequest(
            "tool_choice", "must be none, auto, required, or a function that is among the tools"
        )


def _is_number(low: float, high: float) -> _Holds:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _is_integer(low: float = -(2**63), high: float = 2**63) -> _Holds:
    return lambda value: type(value) is int and low <= value <= high


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


_RULES: dict[str, tuple[_Holds, str]] = {
    "temperature": (_is_number(0, 2), "a number from 0 to 2"),
    "top_p": (_is_number(0, 1), "a number from 0 to 1"),
    "presence_penalty": (_is_number(-2, 2), "a number from -2 to 2"),
    "frequency_penalty": (_is_number(-2, 2), "a number from -2 to 2"),
    "max_tokens": (_is_integer(1), "a positive integer"),
    "max_completion_tokens": (_is_integer(1), "a positive integer"),
    "seed": (_is_integer(), "an integer"),
    "parallel_tool_calls": (_is_boolean, "true or false"),
    "n": (_is_integer(1, 1), "1: this server gives one choice"),
    "stream": (_is_boolean, "true or false"),
    "stream_options": (lambda value: isinstance(value, dict), "an object"),
}
_WITHOUT_EFFECT = {"metadata", "reasoning_effort", "service_tier", "stop", "store", "user"}
_FIELDS = {
    "model",
    "messages",
    "tools",
    "tool_choice",
    "response_format",
    *_RULES,
    *_WITHOUT_EFFECT,
}
