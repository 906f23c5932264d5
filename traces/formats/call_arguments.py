"""The arguments of a call, as rows of training data hold them."""

from __future__ import annotations

import orjson

from simkit.traces.records import ToolCall


def arguments_of(call: ToolCall) -> orjson.Fragment | str:
    """The object that the model wrote, for `orjson.dumps`; its text where that is no object."""
    try:
        call.parsed_arguments()
    except ValueError:
        return call.arguments
    # The model's own text, not the parsed value: decoding would round long numbers. Line
    # breaks in it can only be white space, since JSON strings hold no raw ones.
    return orjson.Fragment((call.arguments or "{}").replace("\n", " ").replace("\r", " "))
