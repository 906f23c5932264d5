"""Each defect that was found in ToolMind's release is caught, by the check that should."""

from __future__ import annotations

import pytest

from simkit.filter_calibration.defects import Caught, caught_defects

CAUGHT = {one.defect.name: one for one in caught_defects()}


@pytest.fixture
def caught() -> dict[str, Caught]:
    return CAUGHT


def test_dates_invented_for_tomorrow_without_a_clock_are_caught(caught: dict[str, Caught]) -> None:
    assert "invented_dates" in caught['a date invented for "tomorrow", without a clock'].checks


def test_dates_invented_for_next_month_are_caught(caught: dict[str, Caught]) -> None:
    assert "invented_dates" in caught['a date invented for "next month", without a clock'].checks


@pytest.mark.parametrize("what", ["credentials", "an id", "a hash"])
def test_values_that_nobody_gave_are_caught(caught: dict[str, Caught], what: str) -> None:
    assert "argument_provenance" in caught[f"{what} that nobody gave"].checks


@pytest.mark.parametrize(
    "name",
    [
        '"arguments" in the place of "parameters", called with a wrong type',
        'a flat map without "properties", called with a wrong type',
        '"required" beside "parameters", and the argument left out',
        'Python types ("int, optional"), called with a wrong type',
        "a function wrapped twice, called with a wrong type",
        "parameters that are null, and one that was guessed",
    ],
)
def test_schemas_in_disorder_are_read_and_their_calls_checked(
    caught: dict[str, Caught], name: str
) -> None:
    assert caught[name].refused is None
    assert "schema_valid_arguments" in caught[name].checks


def test_a_placeholder_in_the_place_of_a_schema_is_refused(caught: dict[str, Caught]) -> None:
    refused = caught["a placeholder of a URL in the place of parameters"].refused
    assert refused is not None
    assert "not a JSON Schema" in refused


@pytest.mark.parametrize(
    "name", ["results of parallel calls in one message", "more results than calls"]
)
def test_results_that_cannot_be_paired_are_caught(caught: dict[str, Caught], name: str) -> None:
    assert "call_result_linkage" in caught[name].checks


def test_arguments_that_are_no_object_are_caught(caught: dict[str, Caught]) -> None:
    assert "schema_valid_arguments" in caught["arguments that are no object"].checks


def test_assistant_messages_one_after_another_are_caught(caught: dict[str, Caught]) -> None:
    assert "role_order" in caught["assistant messages one after another"].checks


def test_a_think_tool_without_a_result_is_caught(caught: dict[str, Caught]) -> None:
    assert "call_result_linkage" in caught['"think" as a tool that gives no result'].checks


def test_one_lookup_made_six_times_is_caught(caught: dict[str, Caught]) -> None:
    assert "duplicate_calls" in caught["one lookup made six times"].checks


def test_an_incoherent_chain_is_left_to_models_since_every_rule_is_kept(
    caught: dict[str, Caught],
) -> None:
    chain = caught["a chain without coherence"]
    assert chain.defect.needs_model
    assert not chain.is_caught
