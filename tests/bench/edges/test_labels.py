"""What the gold pairs of each labelled set are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.edges import (
    api_bank,
    labelled_sets,
    nestful,
    openapi_paths,
    restbench,
    seal_tools,
    taskbench,
)
from tests.bench.edges.feeding import Feeding


def test_a_nestful_reference_names_the_producer_and_its_output() -> None:
    """
    Alone, amid other text, inside a list, and with the closing sign forgotten.
    """
    calls = [
        {"name": "find_city", "arguments": {"query": "Oslo"}, "label": "var1"},
        {
            "name": "sum_up",
            "arguments": {
                "formula": "2 * $var1.mean temperature$",
                "points": [{"at": "$var1.geo.lat$"}],
                "city": "$var1.id",
            },
            "label": "var2",
        },
        {"name": "var_result", "arguments": {"sum": "$var2$"}},
    ]
    assert nestful.feedings([{"output": calls}]) == [
        Feeding("sum_up", "city", "find_city", "id"),
        Feeding("sum_up", "formula", "find_city", "mean temperature"),
        Feeding("sum_up", "points", "find_city", "geo.lat"),
    ]


def test_a_seal_tools_result_is_the_declared_response_of_its_position() -> None:
    tools = [{"api_name": "find_user", "responses": {"user_id": {}, "age": {}}}]
    calls = [
        {"api": "find_user", "parameters": {}, "responses": ["API_call_0", "API_call_1"]},
        {"api": "greet", "parameters": {"years": "API_call_1"}, "responses": ["API_call_2"]},
    ]
    assert seal_tools.feedings([{"calling": calls}], tools) == [
        Feeding("greet", "years", "find_user", "age")
    ]


def api_call(name: str, arguments: dict[str, object], output: object) -> dict[str, object]:
    return {
        "role": "API",
        "api_name": name,
        "param_dict": arguments,
        "result": {"output": output, "exception": None},
    }


def test_an_api_bank_value_is_fed_by_the_first_call_that_gave_it() -> None:
    turns = [
        {"role": "User", "text": "Log me in as Ada."},
        api_call("log_in", {"name": "Ada"}, {"token": "x7y8z9", "name": "Ada", "level": 1}),
        api_call("renew", {"token": "x7y8z9"}, {"token": "x7y8z9"}),
        api_call("add_note", {"token": "x7y8z9", "by": "Ada", "level": 1}, "success"),
    ]
    assert api_bank.feedings([{"turns": turns}]) == [
        Feeding("add_note", "token", "log_in", "token"),
        Feeding("renew", "token", "log_in", "token"),
    ]


def test_an_api_bank_value_that_the_user_said_is_fed_by_nobody() -> None:
    turns = [
        api_call("mail_code", {}, {"code": "970420"}),
        {"role": "User", "text": "The mail says 970420."},
        api_call("check_code", {"code": "970420"}, "success"),
    ]
    assert api_bank.feedings([{"turns": turns}]) == []


def test_a_restbench_id_is_fed_by_the_latest_earlier_call_for_its_kind() -> None:
    solution = [
        "GET /search",
        "GET /me",
        "POST /users/{user_id}/playlists",
        "POST /playlists/{playlist_id}/tracks",
    ]
    names = {"GET /search": "search", "GET /me": "get-me"}
    assert restbench.feedings([solution], names) == [
        Feeding("POST /playlists/{playlist_id}/tracks", "playlist_id", solution[2]),
        Feeding("POST /playlists/{playlist_id}/tracks", "uris", "search"),
        Feeding("POST /users/{user_id}/playlists", "user_id", "get-me"),
    ]


def test_of_two_restbench_parameters_that_stand_for_each_other_the_latest_call_decides() -> None:
    solution = ["GET /search", "GET /artists/{id}/albums", "PUT /me/player/play"]
    assert restbench.feedings([solution], {}) == [
        Feeding("GET /artists/{id}/albums", "id", "GET /search"),
        Feeding("PUT /me/player/play", "context_uri", "GET /artists/{id}/albums"),
    ]


def test_a_restbench_operation_is_named_as_its_document_names_it() -> None:
    document = {"paths": {"/me": {"get": {"operationId": "get-me"}, "put": {}, "parameters": []}}}
    assert restbench.operation_names(document) == {"GET /me": "get-me"}


def test_a_taskbench_link_feeds_every_parameter_of_its_target() -> None:
    graph = {
        "nodes": [
            {"id": "buy", "parameters": [{"name": "item"}, {"name": "shop"}]},
            {"id": "pay", "parameters": []},
        ],
        "links": [{"source": "pay", "target": "buy"}, {"source": "buy", "target": "pay"}],
    }
    assert taskbench.feedings(graph) == [
        Feeding("buy", "item", "pay"),
        Feeding("buy", "shop", "pay"),
    ]


@pytest.mark.parametrize(
    ("name", "pairs"),
    [("NESTful", 36), ("Seal-Tools", 2), ("API-Bank", 19), ("RestBench", 43), ("TaskBench", 2496)],
)
def test_each_labelled_set_gives_its_known_number_of_pairs(
    shared_data: Path, name: str, pairs: int
) -> None:
    (labelled,) = (one for one in labelled_sets.SETS if one.name == name)
    assert len(labelled.feedings()) == pairs


def test_a_path_parameter_is_fed_by_what_lists_or_makes_at_the_path_before() -> None:
    """
    Operations that declare no response of success give nothing.
    """
    gives = {"200": {"content": {}}}
    spec = {
        "paths": {
            "/albums": {
                "get": {"operationId": "list", "responses": gives},
                "post": {"operationId": "make", "responses": {"201": {"$ref": "#/x"}}},
                "put": {"operationId": "replace", "responses": gives},
            },
            "/albums/{id}/": {"get": {"operationId": "show", "responses": gives}},
            "/albums/{id}/songs/{song}": {"get": {"operationId": "song", "responses": gives}},
            "/albums/{id}/songs": {"get": {"operationId": "songs", "responses": {"204": {}}}},
            "x-note": "an extension",
        }
    }
    assert openapi_paths.feedings(spec) == [
        Feeding("show", "id", "list"),
        Feeding("show", "id", "make"),
        Feeding("song", "id", "list"),
        Feeding("song", "id", "make"),
        Feeding("songs", "id", "list"),
        Feeding("songs", "id", "make"),
    ]
