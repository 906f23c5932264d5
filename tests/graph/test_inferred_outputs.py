"""What a function gives, guessed by rule."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simkit.graph.inferred_outputs import InputNames, inferred_outputs
from simkit.graph.parameters import name_words
from simkit.traces.functions import Function


def called(name: str, description: str = "", *inputs: str, **fields: Any) -> Function:
    parameters = {"type": "object", "properties": {one: {"type": "string"} for one in inputs}}
    return Function(name=name, description=description, parameters=parameters, **fields)


def fields(function: Function, *others: Function) -> dict[str, Any]:
    """Name to type, or to inner names, as guessed in a catalog of *function* and *others*."""
    schema = inferred_outputs(function, InputNames((function, *others)))
    if schema is None:
        return {}
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["required"] == []
    return {name: _short(one) for name, one in schema["properties"].items()}


def _short(schema: dict[str, Any]) -> Any:
    inner = schema.get("items", {}).get("properties")
    return sorted(inner) if inner else schema["type"]


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("calculate_area", "Calculate the area of a triangle.", {"area": "number"}),
        ("convertCurrency", "Convert an amount.", {"convertedCurrency": "number"}),
        ("delete_file", "Delete a file.", {"success": "boolean"}),
        ("is_prime", "Tells whether a number is prime.", {"is_prime": "boolean"}),
        ("validate_email", "Validate an email address.", {"valid": "boolean"}),
        ("translate_text", "Translate a text.", {"translated_text": "string"}),
        ("count_words", "Count the words of a text.", {"count": "integer"}),
        ("create_order", "Place a new order.", {"order_id": "string", "success": "boolean"}),
        ("search_flights", "Search for flights.", {"flights": ["flight_id", "name"]}),
        ("flight.search", "Search for flights.", {"flights": ["flight_id", "name"]}),
        ("get_laws", "Retrieve the laws of a country.", {"laws": "array"}),
        ("get_stock_price", "Get the price of a stock.", {"stock_price": "number"}),
        ("get_user_info", "Get facts about a user.", {"user": "object"}),
        ("bmi_calculator", "Body mass index.", {"bmi": "number"}),
        ("get_usage_stats", "Get figures of use.", {"usage_stats": "object"}),
        ("sentiment_analysis", "Perform it on a text.", {"sentiment_analysis": "string"}),
        ("mean", "Calculate the mean of numbers.", {"mean": "number"}),
    ],
)
def test_the_verb_and_its_object_tell_the_result(
    name: str, description: str, expected: dict[str, Any]
) -> None:
    assert fields(called(name, description)) == expected


def test_nothing_is_guessed_where_nothing_is_said() -> None:
    assert inferred_outputs(called("xyzzy", "Some words without a meaning.")) is None


def test_a_list_in_the_description_comes_before_the_verb() -> None:
    function = called("get_user", "Returns the user's name, email, and age. Needs a key.")

    assert fields(function) == {"name": "string", "email": "string", "age": "integer"}


@pytest.mark.parametrize(
    "description",
    [
        "Gets a reading.\n\nReturns:\n    - state (str): The state\n    - count: How many\n",
        "Gets a reading.\n\nReturns:\n    dict: The reading\n    state: Its state\n    count: 3",
        'Gets a reading. Returns: {"state": "on", "count": 3}',
    ],
)
def test_a_section_on_the_result_is_read(description: str) -> None:
    assert fields(called("get_reading", description)) == {"state": "string", "count": "integer"}


def test_arguments_after_the_result_are_not_taken_for_fields() -> None:
    function = called("get_x", "Returns:\n  state: on or off\nRaises:\n  ValueError: no such x")

    assert fields(function) == {"state": "string"}


def test_a_result_that_is_true_or_false_is_a_boolean() -> None:
    assert fields(called("get_access", "Returns true if access is given.")) == {"access": "boolean"}


def test_criteria_of_a_search_are_no_fields_of_its_result() -> None:
    function = called("search_hotels", "Search hotels by criteria including price and stars.")

    assert fields(function) == {"hotels": ["hotel_id", "name"]}


def test_what_goes_in_does_not_come_out() -> None:
    function = called("get_city", "Returns the name, country and mayor of a city.", "name")

    assert fields(function) == {"country": "string", "mayor": "string"}


@pytest.mark.parametrize("spelling", ["order_id", "orderId", "OrderID", "order_number"])
def test_an_identifier_is_spelled_as_the_catalog_asks_for_it(spelling: str) -> None:
    consumer = called("cancel_order", "Cancel an order.", spelling)
    producer = called("list_orders", "List the orders.")

    assert fields(producer, consumer) == {"orders": sorted([spelling, "name"])}


def test_a_bare_id_names_what_its_function_is_about() -> None:
    consumer = called("delete_order", "Delete an order.", "id")

    assert fields(called("list_orders", "List the orders."), consumer) == {"orders": ["id", "name"]}


def test_an_identifier_takes_the_type_that_its_consumers_expect() -> None:
    parameters = {"type": "object", "properties": {"order_id": {"type": "integer"}}}
    consumer = Function(name="cancel_order", description="Cancel.", parameters=parameters)

    made = fields(called("create_order", "Create an order."), consumer)

    assert made == {"order_id": "integer", "success": "boolean"}


def test_catalogs_do_not_share_their_spellings() -> None:
    elsewhere = called("cancel_order", "Cancel an order.", "orderRef_id", source="other")

    assert fields(called("list_orders", "List the orders."), elsewhere) == {
        "orders": ["name", "order_id"]
    }


def test_facts_that_others_ask_for_are_given() -> None:
    consumer = called("mail", "Send a mail.", "user_email", "user_id")

    assert fields(called("find_user", "Find a user.", "query"), consumer) == {
        "user_id": "string",
        "user_email": "string",
    }


def test_a_plain_id_of_one_thing_is_not_given_back_under_its_full_name() -> None:
    consumer = called("cancel_order", "Cancel an order.", "order_id")

    assert fields(called("get_order", "Get an order.", "id"), consumer) == {"order": "object"}


def test_the_guess_does_not_depend_on_the_order_of_the_catalog() -> None:
    catalog = [
        called("a", "A.", "order_id"),
        called("b", "B.", "orderId"),
        called("list_orders", "List the orders."),
    ]

    guesses = [inferred_outputs(catalog[2], InputNames(some)) for some in (catalog, catalog[::-1])]

    assert guesses[0] == guesses[1]


@pytest.mark.parametrize(
    "description",
    [
        "returns " * 200_000,
        "Returns: " + "a, " * 400_000,
        "Returns:\n" + " " * 1_000_000,
        "Returns:\n" + "\n \t" * 300_000,
        "Returns: " + '{"a":' * 200_000,
        "returns including " + "(" * 1_000_000,
        "\x00including, with the \u202e" * 50_000,
    ],
)
def test_a_hostile_description_costs_little_and_names_few_fields(description: str) -> None:
    started = time.process_time()
    schema = inferred_outputs(called("get_order_list", description))

    assert time.process_time() - started < 2
    assert schema is None or len(schema["properties"]) <= 12
    assert len(json.dumps(schema)) < 10_000


def test_half_of_the_guesses_share_a_word_with_what_real_tools_declare(shared_data: Path) -> None:
    path = shared_data / "seal_tools" / "tools.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        tools = [json.loads(line) for line in lines]
    functions = [
        called(tool["api_name"], tool["api_description"], *tool["parameters"], domain=tool["field"])
        for tool in tools
    ]
    names = InputNames(functions)

    met = sum(
        _shares_a_word(inferred_outputs(function, names), tool["responses"])
        for function, tool in zip(functions, tools, strict=True)
    )

    assert met > len(tools) * 0.5


def _shares_a_word(schema: dict[str, Any] | None, declared: dict[str, Any]) -> bool:
    guessed = schema["properties"] if schema else {}
    return any(_words(one) & _words(other) for one in guessed for other in declared)


def _words(name: str) -> set[str]:
    return set(name_words(name).split())
