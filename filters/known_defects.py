"""The defects that were found in ToolMind's release, each in a short conversation of ours.

The rows are in the form of that release: calls and results have no ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDefect:
    """One defect, and a row that has it."""

    name: str
    """In a few words, e.g. ``"a date for tomorrow, without a clock"``."""
    row: Json
    """``{"conversations", "tools"}``."""
    turns: tuple[int, ...]
    """Messages that are at fault; an objection to one, to the whole, or the row being refused,
    has found it."""
    needs_model: bool = False
    """Whether every rule is kept, and only a model can tell."""


def _user(content: str) -> Json:
    return {"role": "user", "content": content}


def _says(content: str) -> Json:
    return {"role": "assistant", "content": content}


def _calls(*calls: tuple[str, Any]) -> Json:
    made = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
    return {"role": "assistant", "content": "", "tool_calls": made}


def _gives(content: str) -> Json:
    return {"role": "tool", "content": content}


def _tool(name: str, *required: str, **properties: str) -> Json:
    schema = {key: {"type": kind} for key, kind in properties.items()}
    parameters = {"type": "object", "properties": schema, "required": list(required)}
    return {
        "name": name,
        "description": name.replace("_", " ").capitalize() + ".",
        "parameters": parameters,
    }


def _row(tools: list[Json], *messages: Json) -> Json:
    return {"conversations": list(messages), "tools": tools}


_WEATHER = _tool("get_weather", "city", city="string")
_BOOK = _tool("book_table", "restaurant", "date", restaurant="string", date="string")
_LOGIN = _tool("log_in", "user", "pin", user="string", pin="string")
_ORDER = _tool("get_order", "order_id", order_id="string")
_STOCK = _tool("get_stock_price", "symbol", symbol="string")


def _called_with(parameters: Json, arguments: Json) -> Json:
    """A row about rooms whose function is declared in *parameters* and called so."""
    return _row(
        [{"name": "find_rooms", "description": "Find free rooms.", **parameters}],
        _user("Which rooms in Lyon are free for 3 people?"),
        _calls(("find_rooms", arguments)),
        _gives('{"rooms": ["Saone"]}'),
        _says("The room Saone is free."),
    )


_WRONG = {"city": "Lyon", "people": "three people"}

DATES = (
    KnownDefect(
        name='a date invented for "tomorrow", without a clock',
        row=_row(
            [_BOOK],
            _user("Please book a table at Chez Paul for tomorrow."),
            _calls(("book_table", {"restaurant": "Chez Paul", "date": "2023-10-12"})),
            _gives('{"booked": true}'),
            _says("Your table at Chez Paul is booked."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name='a date invented for "next month", without a clock',
        row=_row(
            [_BOOK],
            _user("I want to eat at Chez Paul at the beginning of next month, book it please."),
            _calls(("book_table", {"restaurant": "Chez Paul", "date": "2024-04-01"})),
            _gives('{"booked": true}'),
            _says("Your table at Chez Paul is booked."),
        ),
        turns=(1,),
    ),
)
UNGROUNDED = (
    KnownDefect(
        name="credentials that nobody gave",
        row=_row(
            [_LOGIN],
            _user("Log me in to my account, please."),
            _calls(("log_in", {"user": "john_doe84", "pin": "Sunny!Day42"})),
            _gives('{"logged_in": true}'),
            _says("You are logged in."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="an id that nobody gave",
        row=_row(
            [_ORDER],
            _user("Where is my order? I am waiting for it."),
            _calls(("get_order", {"order_id": "ORD-583920"})),
            _gives('{"state": "on its way"}'),
            _says("Your order is on its way."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="a hash that nobody gave",
        row=_row(
            [_tool("get_commit", "sha", sha="string")],
            _user("Who wrote the last commit?"),
            _calls(("get_commit", {"sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"})),
            _gives('{"author": "Ada"}'),
            _says("Ada wrote it."),
        ),
        turns=(1,),
    ),
)
SCHEMAS = (
    KnownDefect(
        name='"arguments" in the place of "parameters", called with a wrong type',
        row=_called_with(
            {
                "arguments": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
                }
            },
            _WRONG,
        ),
        turns=(1,),
    ),
    KnownDefect(
        name='a flat map without "properties", called with a wrong type',
        row=_called_with(
            {"parameters": {"city": {"type": "string"}, "people": {"type": "integer"}}}, _WRONG
        ),
        turns=(1,),
    ),
    KnownDefect(
        name='"required" beside "parameters", and the argument left out',
        row=_called_with(
            {
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
                },
                "required": ["city", "people"],
            },
            {"city": "Lyon"},
        ),
        turns=(1,),
    ),
    KnownDefect(
        name='Python types ("int, optional"), called with a wrong type',
        row=_called_with(
            {"parameters": {"city": {"type": "str"}, "people": {"type": "int, optional"}}}, _WRONG
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="a function wrapped twice, called with a wrong type",
        row=_row(
            [
                {
                    "type": "function",
                    "function": {
                        "type": "function",
                        "function": _tool("find_rooms", "city", city="string", people="integer"),
                    },
                }
            ],
            _user("Which rooms in Lyon are free for 3 people?"),
            _calls(("find_rooms", _WRONG)),
            _gives('{"rooms": ["Saone"]}'),
            _says("The room Saone is free."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="parameters that are null, and one that was guessed",
        row=_called_with({"parameters": None}, {"city": "Lyon"}),
        turns=(1,),
    ),
    KnownDefect(
        name="a placeholder of a URL in the place of parameters",
        row=_called_with({"parameters": "{{schema_url}}"}, {"city": "Lyon"}),
        turns=(1,),
    ),
)
PAIRS = (
    KnownDefect(
        name="results of parallel calls in one message",
        row=_row(
            [_WEATHER],
            _user("How is the weather in Oslo and in Rome?"),
            _calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})),
            _gives(
                '[{"name": "get_weather", "arguments": {"city": "Oslo"}, "results": "rain"},'
                ' {"name": "get_weather", "arguments": {"city": "Rome"}, "results": "sun"}]'
            ),
            _says("It rains in Oslo, and the sun shines in Rome."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="more results than calls",
        row=_row(
            [_WEATHER],
            _user("How is the weather in Oslo?"),
            _calls(("get_weather", {"city": "Oslo"})),
            _gives('{"name": "get_weather", "results": "rain"}'),
            _gives('{"name": "get_weather", "results": "sun"}'),
            _says("It rains in Oslo."),
        ),
        turns=(1, 3),
    ),
)
STRUCTURE = (
    KnownDefect(
        name="arguments that are no object",
        row=_row(
            [_WEATHER],
            _user("How is the weather in Oslo?"),
            _calls(("get_weather", '["Oslo"]')),
            _gives('{"weather": "rain"}'),
            _says("It rains in Oslo."),
        ),
        turns=(1,),
    ),
    KnownDefect(
        name="assistant messages one after another",
        row=_row(
            [_WEATHER],
            _user("How is the weather in Oslo?"),
            _says("Let me look that up."),
            _says("One moment, please."),
            _calls(("get_weather", {"city": "Oslo"})),
            _gives('{"weather": "rain"}'),
            _says("It rains in Oslo."),
        ),
        turns=(1, 2, 3),
    ),
    KnownDefect(
        name='"think" as a tool that gives no result',
        row=_row(
            [_WEATHER, _tool("think", "thought", thought="string")],
            _user("How is the weather in Oslo?"),
            _calls(("think", {"thought": "I should look up the weather in Oslo."})),
            _calls(("get_weather", {"city": "Oslo"})),
            _gives('{"weather": "rain"}'),
            _says("It rains in Oslo."),
        ),
        turns=(1,),
    ),
)
_LOOK_UP = (_calls(("get_stock_price", {"symbol": "ACME"})), _gives('{"price": 71.5}'))
CHAINS = (
    KnownDefect(
        name="one lookup made six times",
        row=_row(
            [_STOCK],
            _user("What does a share of ACME cost? The symbol is ACME."),
            *(message for _ in range(6) for message in _LOOK_UP),
            _says("A share of ACME costs 71.5."),
        ),
        turns=(3, 5, 7, 9, 11),
    ),
    KnownDefect(
        name="a chain without coherence",
        row=_row(
            [_WEATHER, _STOCK],
            _user("Check the price of ACME so that I can decide on the weather in Oslo."),
            _calls(("get_stock_price", {"symbol": "ACME"})),
            _gives('{"price": 71.5}'),
            _calls(("get_weather", {"city": "Oslo"})),
            _gives('{"weather": "rain"}'),
            _says("A share of ACME costs 71.5, and in Oslo the weather is rain."),
        ),
        turns=(),
        needs_model=True,
    ),
)

KNOWN_DEFECTS = {
    "invented dates": DATES,
    "ungrounded arguments": UNGROUNDED,
    "schema chaos": SCHEMAS,
    "unpaired parallel results": PAIRS,
    "broken structure": STRUCTURE,
    "incoherent chains and repeated calls": CHAINS,
}
"""By the group that tables list them under."""
