"""Type expressions of catalogs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simkit.graph.catalogs.type_words import MAX_LENGTH, split_outside, type_word

INTEGERS = {"type": "array", "items": {"type": "integer"}}
PAIR = {"type": "array", "minItems": 2, "maxItems": 2}


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("str", {"type": "string"}),
        ("Float", {"type": "number"}),
        ("typing.List[int]", INTEGERS),
        ("list[int]", INTEGERS),
        ("array<integer>", INTEGERS),
        ("int[]", INTEGERS),
        ("list of integers", INTEGERS),
        ("list of int with length 3", INTEGERS),
        ("Tuple[int, ...]", INTEGERS),
        ("List[List[int]]", {"type": "array", "items": INTEGERS}),
        ("List[np.ndarray]", {"type": "array", "items": {}}),
        ("Tuple[float, float]", PAIR | {"items": {"type": "number"}}),
        ("Tuple[int, str]", PAIR | {"items": False} | {
            "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
        ("Dict[str, Any]", {"type": "object"}),
        ("Map<String, Integer>", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("Union[int, str]", {"type": ["integer", "string"]}),
        ("Union[Union[int, str], bool]", {"type": ["integer", "string", "boolean"]}),
        ("int or float", {"type": ["integer", "number"]}),
        ("Union[List[int], str]", {"anyOf": [INTEGERS, {"type": "string"}]}),
        ("Union[int, Any]", {}),
        ("'a' or 'b'", {"type": "string", "enum": ["a", "b"]}),
        ("Literal['a', 2]", {"type": ["string", "integer"], "enum": ["a", 2]}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("url", {"type": "string", "format": "uri"}),
        ("DATE (YYYY-MM-DD)", {"type": "string", "format": "date"}),
        ("None", {"type": "null"}),
        ("any", {}),
    ],
)  # fmt: skip
def test_an_expression_means_a_schema(text: str, schema: dict[str, Any]) -> None:
    word = type_word(text)
    assert word is not None
    assert (word.schema, word.optional) == (schema, False)


@pytest.mark.parametrize(
    "text",
    [
        *("str, optional", "Optional[str]", "str | None", "Union[str, None]", "string?"),
        *("str, default='a, b'", "string (optional)", "optional string", "str, Optional"),
    ],
)
def test_an_expression_says_that_a_value_may_be_left_out(text: str) -> None:
    word = type_word(text)
    assert word is not None
    assert (word.schema, word.optional) == ({"type": "string"}, True)


@pytest.mark.parametrize(
    "text", ["", "Queue", "optional", "Callable[[int], str]", "int or Queue", "x" * MAX_LENGTH * 2]
)
def test_other_words_mean_nothing(text: str) -> None:
    assert type_word(text) is None


def test_separators_in_brackets_and_quotes_do_not_split() -> None:
    assert split_outside("a, b[c, d], 'e, f'", ",") == ["a", "b[c, d]", "'e, f'"]


parts = st.sampled_from(
    [
        *("List[", "Union[", "Tuple[", "Dict[", "Literal[", "Optional[", "]", "<", ">", "[]"),
        *("(", ")", ",", "|", " or ", "int", "str", "None", "any", "'a'", '"', "?", " "),
        *("list of ", "optional"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(parts, max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_means_a_valid_schema_or_nothing(text: str) -> None:
    word = type_word(text)
    if word is not None:
        Draft202012Validator.check_schema(word.schema)
