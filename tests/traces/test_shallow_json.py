"""JSON from outside that could not be written again."""

from __future__ import annotations

import orjson
import pytest

from simkit.traces.shallow_json import MAX_LEVELS, parse_json


def lists(levels: int) -> str:
    return "[" * levels + "]" * levels


def objects(levels: int) -> str:
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


@pytest.mark.parametrize("nested", [lists, objects])
def test_what_is_nested_too_deeply_is_refused(nested: object) -> None:
    assert callable(nested)
    deepest = nested(MAX_LEVELS)
    assert orjson.dumps(parse_json(deepest)).decode() == deepest
    for levels in (MAX_LEVELS + 1, 254, 255, 1024, 1025, 100_000):
        with pytest.raises(ValueError, match=r"nested too deeply|recursion|depth"):
            parse_json(nested(levels))


def test_many_brackets_alone_are_no_depth() -> None:
    assert parse_json(b"[" + b"[]," * 5_000 + b"[]]") == [[]] * 5_001
    assert parse_json('"' + "[" * 5_000 + '"') == "[" * 5_000
