"""Reading OpenAPI documents: operations, parameters, responses, and what they refer to."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simkit.graph.catalogs import openapi, recognise
from simkit.graph.catalogs.documents import documents
from simkit.graph.catalogs.entry import Document, Entry, Fault
from simkit.graph.normal_form import normal_outputs, normal_parameters

TEXT = {"type": "string"}
USER = {"type": "object", "properties": {"id": {"type": "integer"}, "name": TEXT}}


def api(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    info = {"title": "People", "version": "1", "license": {"name": "MIT"}}
    return {"openapi": "3.0.3", "info": info, "paths": paths} | more


def read(document: Any) -> list[Entry | Fault]:
    form, found = recognise(Document(position="", value=document))
    assert form == "OpenAPI"
    return list(found)


def entry(operation: dict[str, Any], path: str = "/users", **more: Any) -> Entry:
    """The entry of one GET operation."""
    (found,) = read(api({path: {"get": operation}}, **more))
    assert isinstance(found, Entry), found
    return found


def gives(schema: Any) -> dict[str, Any]:
    return {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}


def sends(schema: Any, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {media_type: {"schema": schema}}, **more}}


def outputs(schema: Any, **schemas: Any) -> Any:
    return entry(gives(schema), components={"schemas": schemas}).outputs


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def assert_normal(found: Entry) -> None:
    """The normal form takes the schemas of *found* as they are."""
    Draft202012Validator.check_schema(normal_parameters(found.parameters, Counter()))
    if found.outputs is not None:
        Draft202012Validator.check_schema(normal_outputs(found.outputs, Counter()))


def test_an_operation_is_a_function() -> None:
    shared = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    operation = {
        "operationId": "getUser",
        "summary": "Get a user.",
        "description": "With all that is known.",
        "parameters": [{"name": "full", "in": "query", "description": "All?", "schema": TEXT}],
        **gives(USER),
    }
    (found,) = read(api({"/users/{id}": {"parameters": [shared], "get": operation}}))
    assert found == Entry(
        position="GET /users/{id}",
        name="getUser",
        description="Get a user.\n\nWith all that is known.",
        parameters={
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "full": {"type": "string", "description": "All?"},
            },
            "required": ["id"],
        },
        outputs=USER,
        domain="People",
        licence="MIT",
    )


def test_an_operation_without_an_id_is_named_by_method_and_path() -> None:
    paths = {"/users/{user-id}/files.json": {"get": {}, "delete": {}}}
    found = [each.name for each in read(api(paths)) if isinstance(each, Entry)]
    assert found == ["get_users_by_user_id_files_json", "delete_users_by_user_id_files_json"]


@pytest.mark.parametrize("version", [{"openapi": "3.1.0"}, {"openapi": 3.1}, {"swagger": 2.0}])
def test_versions_are_told_by_content(version: dict[str, Any]) -> None:
    (found,) = read({"paths": {"/a": {"get": {}}}, "parameters": {}} | version)
    assert isinstance(found, Entry)


@pytest.mark.parametrize("pack", [json.dumps, lambda value: value])
def test_a_row_may_hold_a_document(pack: Any) -> None:
    document = api({"/a": {"get": {}}}) | {"info": {}}
    (found,) = read({"file": "a.json", "license": "BSD", "spec": pack(document)})
    assert isinstance(found, Entry)
    assert (found.position, found.licence) == ("GET /a", "BSD")


def test_an_operation_replaces_a_parameter_of_its_path() -> None:
    of_path = [{"name": "page", "in": "query", "schema": TEXT}]
    own = [{"name": "page", "in": "query", "schema": {"type": "integer"}}]
    (found,) = read(api({"/a": {"parameters": of_path, "get": {"parameters": own}}}))
    assert isinstance(found, Entry)
    assert found.parameters["properties"] == {"page": {"type": "integer"}}


def test_credentials_and_headers_of_the_client_are_left_out() -> None:
    names = ["Authorization", "X-API-Key", "Accept", "access_token", "page_token", "If-Match"]
    declared = [{"name": name, "in": "header", "schema": TEXT} for name in names]
    found = entry({"parameters": declared})
    assert list(found.parameters["properties"]) == ["page_token", "If-Match"]
    assert found.repairs == ("credential left out",) * 2


def test_parameters_of_one_name_are_told_by_their_place() -> None:
    declared = [{"name": "id", "in": place, "schema": TEXT} for place in ("path", "query")]
    found = entry({"parameters": declared}, "/users/{id}")
    assert list(found.parameters["properties"]) == ["id", "id_query"]


def test_a_placeholder_that_nobody_declares_is_a_text() -> None:
    found = entry({}, "/users/{id}")
    assert found.parameters["properties"] == {"id": TEXT}
    assert found.parameters["required"] == ["id"]
    assert found.repairs == ("undeclared path parameter",)


def test_the_properties_of_a_body_stand_beside_the_parameters() -> None:
    body = USER | {"required": ["name"]}
    page = {"name": "page", "in": "query", "schema": TEXT}
    found = entry(sends(body, required=True) | {"parameters": [page]})
    assert found.parameters["properties"] == {"page": TEXT, **USER["properties"]}
    assert found.parameters["required"] == ["name"]
    assert entry(sends(body)).parameters["required"] == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"type": "array", "items": TEXT}, id="list"),
        pytest.param({"type": "object", "additionalProperties": TEXT}, id="map"),
        pytest.param({"oneOf": [USER, {"type": "object"}]}, id="choice"),
        pytest.param({"type": "object", "properties": {"page": TEXT}}, id="clash"),
    ],
)
def test_another_body_is_one_parameter(body: dict[str, Any]) -> None:
    page = {"name": "page", "in": "query", "schema": TEXT}
    found = entry(sends(body, required=True) | {"parameters": [page]})
    assert found.parameters["properties"] == {"page": TEXT, "body": body}
    assert found.parameters["required"] == ["body"]


def test_json_is_preferred_to_forms_and_forms_to_the_rest() -> None:
    texts = {"schema": TEXT}
    content = {"text/plain": texts, "multipart/form-data": {"schema": USER}}
    found = entry({"requestBody": {"content": content}})
    assert found.parameters["properties"] == USER["properties"]
    content["application/vnd.people+json"] = {"schema": {"type": "array", "items": TEXT}}
    found = entry({"requestBody": {"content": content}})
    assert found.parameters["properties"]["body"]["type"] == "array"


def test_what_only_comes_back_is_not_sent_and_the_other_way_round() -> None:
    user = {
        "type": "object",
        "properties": {"id": TEXT | {"readOnly": True}, "password": TEXT | {"writeOnly": True}},
        "required": ["id", "password"],
    }
    found = entry(sends(user, required=True) | gives(user))
    assert (list(found.parameters["properties"]), found.parameters["required"]) == (
        ["password"],
        ["password"],
    )
    assert (list(found.outputs["properties"]), found.outputs["required"]) == (["id"], ["id"])


def test_swagger_2_is_read_as_well() -> None:
    declared = [
        {"name": "page", "in": "query", "type": "integer", "description": "Which."},
        {"name": "user", "in": "body", "required": True, "schema": {"$ref": "#/definitions/User"}},
    ]
    answer = {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/User"}}}}
    document = {
        "swagger": "2.0",
        "paths": {"/users": {"post": {"parameters": declared, "responses": answer}}},
        "definitions": {"User": USER},
    }
    (found,) = read(document)
    assert isinstance(found, Entry)
    page = {"type": "integer", "description": "Which."}
    assert found.parameters["properties"] == {"page": page, **USER["properties"]}
    assert found.outputs == {"type": "array", "items": USER}


def test_the_first_2xx_response_with_json_gives_the_outputs() -> None:
    content = {"application/json; charset=utf-8": {"schema": USER}}
    shared = {"description": "A user.", "content": content}
    responses = {
        "404": {"content": {"application/json": {"schema": TEXT}}},
        "202": {"$ref": "#/components/responses/User"},
        "200": {"content": {"text/html": {"schema": TEXT}}},
    }
    found = entry({"responses": responses}, components={"responses": {"User": shared}})
    # "; charset=utf-8" says nothing about what is in it.
    assert found.outputs == USER


def test_references_are_written_out_with_what_stands_beside_them() -> None:
    pet = {"type": "object", "properties": {"owner": ref("User") | {"description": "Whose."}}}
    found = outputs(ref("Pet"), Pet=pet, User=USER)
    assert found == {
        "type": "object",
        "properties": {"owner": USER | {"description": "Whose."}},
    }


def test_a_schema_that_contains_itself_is_kept_once() -> None:
    node = {"type": "object", "properties": {"name": TEXT, "children": {}}}
    node["properties"] |= {"children": {"type": "array", "items": ref("Node")}}
    found = entry(gives(ref("Node")), components={"schemas": {"Node": node}})
    assert found.outputs["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert list(found.outputs["$defs"]) == ["Node"]
    assert_normal(found)
    Draft202012Validator(found.outputs).validate({"name": "a", "children": [{"children": []}]})
    assert not Draft202012Validator(found.outputs).is_valid({"children": [{"name": 1}]})


def test_definitions_of_a_list_stay_where_its_references_look() -> None:
    node = {"type": "object", "properties": {"next": ref("Node")}}
    found = entry(
        gives({"type": "array", "items": ref("Node")}), components={"schemas": {"Node": node}}
    )
    assert list(found.outputs["properties"]) == ["result"]
    assert_normal(found)


@pytest.mark.parametrize("key", ["allOf", "anyOf", "oneOf", "not"])
def test_a_schema_made_of_itself_ends(key: str) -> None:
    loop = {key: ref("A") if key == "not" else [ref("A"), USER]}
    found = entry(gives({"type": "object", "properties": {"a": ref("A")}}) | sends(ref("A")),
                  components={"schemas": {"A": loop}})  # fmt: skip
    assert "schema made of itself" in found.repairs
    assert_normal(found)


def test_references_that_only_lead_to_each_other_end() -> None:
    schemas = {"A": ref("B"), "B": ref("A")}
    found = entry(gives({"type": "object", "properties": {"a": ref("A")}}),
                  components={"schemas": schemas})  # fmt: skip
    assert_normal(found)


@pytest.mark.parametrize(
    "reference", ["https://example.org/user.json", "user.yaml#/User", "#/components/schemas/No", 3]
)
def test_what_refers_to_nothing_in_the_document_is_open(reference: Any) -> None:
    found = entry(gives({"type": "object", "properties": {"user": {"$ref": reference}}}))
    assert found.outputs["properties"] == {"user": {}}
    assert found.repairs == ("reference to nothing",)


def test_an_operation_whose_body_is_elsewhere_is_refused_and_the_rest_goes_on() -> None:
    remote = {"requestBody": {"$ref": "https://example.org/body.json"}}
    first, second, third, last = read(
        api({"/a": {"post": remote}, "/b": {"get": 3}, "/c": 4, "/d": {"get": {}}})
    )
    assert first == Fault(
        position="POST /a",
        reason="needs a body that refers to 'https://example.org/body.json', outside of the "
        "document; remote references are never fetched",
    )
    assert second == Fault(position="GET /b", reason="is a number, not an operation")
    assert third == Fault(position="/c", reason="is a number, not a path with operations")
    assert isinstance(last, Entry)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("#/paths/~1b", "refers to '#/paths/~1b', which leads back to itself"),
        ("#/paths/~1a", "refers to '#/paths/~1a', which leads back to itself"),
        ("#/paths/~1c", "refers to '#/paths/~1c', which is not in the document"),
        ("b.yaml", "refers to 'b.yaml', outside of the document; remote references are never"),
    ],
)
def test_a_path_whose_reference_leads_nowhere_is_told_why(reference: str, reason: str) -> None:
    first, *_ = read(api({"/a": {"$ref": reference}, "/b": {"$ref": "#/paths/~1b"}}))
    assert isinstance(first, Fault)
    assert first.position == "/a"
    assert first.reason.startswith(reason)


def test_a_document_without_paths_is_named() -> None:
    (found,) = read({"openapi": "3.1.0", "webhooks": {}})
    assert found == Fault(position="", reason="is an OpenAPI document without paths")


def test_parts_of_all_of_are_joined() -> None:
    named = {"type": "object", "properties": {"id": TEXT}, "required": ["id"]}
    named |= {"additionalProperties": False, "description": "First."}
    found = outputs({"allOf": [ref("Named"), USER], "description": "Own."}, Named=named)
    assert found == {
        "description": "Own.",
        "type": "object",
        "properties": {"id": {"allOf": [TEXT, {"type": "integer"}]}, "name": TEXT},
        "required": ["id"],
    }


def test_parts_of_all_of_that_differ_stay() -> None:
    parts = [{"type": "string", "minLength": 1}, {"type": "string", "minLength": 2}]
    found = outputs({"type": "object", "properties": {"a": {"allOf": parts}}})
    assert found["properties"]["a"] == {"allOf": parts}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TEXT | {"nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        (TEXT | {"example": "Oslo"}, TEXT | {"examples": ["Oslo"]}),
        (TEXT | {"xml": {}, "x-note": 1, "discriminator": {}}, TEXT),
    ],
)
def test_keywords_of_openapi_become_json_schema(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert outputs({"type": "object", "properties": {"a": old}})["properties"]["a"] == new


def test_a_reference_that_may_be_null_is_a_choice() -> None:
    node = {"type": "object", "properties": {"next": ref("Node") | {"nullable": True}}}
    found = outputs(ref("Node"), Node=node)
    choice = [{"$ref": "#/$defs/Node"}, {"type": "null"}]
    assert found["properties"]["next"] == {"anyOf": choice}


def doubling(levels: int) -> dict[str, Any]:
    """Schemas that double at each level: written out they are 2 ** levels."""
    return {
        f"S{level}": {
            "type": "object",
            "properties": {"a": ref(f"S{level + 1}"), "b": ref(f"S{level + 1}")},
        }
        for level in range(levels)
    }


@pytest.mark.parametrize(
    "schemas",
    [
        pytest.param(doubling(40), id="doubling"),
        pytest.param(
            {f"S{n}": {"properties": {"a": ref(f"S{n + 1}")}} for n in range(2_000)}, id="deep"
        ),
        pytest.param({f"S{n}": {"allOf": [ref(f"S{n + 1}")]} for n in range(2_000)}, id="all of"),
        pytest.param({f"S{n}": ref(f"S{n + 1}") for n in range(2_000)}, id="chain"),
        pytest.param(
            {"S0": {"type": "object", "properties": {f"p{n}": USER for n in range(10_000)}}},
            id="wide",
        ),
        pytest.param(
            {
                f"S{n}": {"properties": {f"p{m}": ref(f"S{m}") for m in range(40)}}
                for n in range(40)
            },
            id="tangle",
        ),
        pytest.param(
            {"S0": {"type": "object", "properties": {"a": {"enum": ["x" * 99] * 10_000}}}},
            id="long list of values",
        ),
        pytest.param(
            {"S0": {"type": "object", "properties": {"a": {"description": "x" * 10**6}}}},
            id="long text",
        ),
    ],
)
def test_a_schema_too_large_is_trimmed_until_it_fits(schemas: dict[str, Any]) -> None:
    found = entry(gives(ref("S0")), components={"schemas": schemas})
    assert len(json.dumps(found.outputs)) < 100_000
    assert_normal(found)


def test_parts_in_parts_at_every_level_are_no_deeper_than_python_can_follow() -> None:
    schema: dict[str, Any] = dict(TEXT)
    for _ in range(30):
        schema = {"type": "object", "properties": {"a": schema}}
        for _ in range(9):
            schema = {"allOf": [schema]}
    assert_normal(entry(gives(schema)))


def test_choices_that_are_trimmed_refuse_nothing() -> None:
    many = {"anyOf": [{"const": n} for n in range(300)]}
    remote = {"not": {"$ref": "https://example.org/no.json"}}
    found = outputs({"type": "object", "properties": {"a": many, "b": remote}})
    assert found["properties"] == {"a": {}, "b": {}}


def test_required_properties_are_trimmed_last() -> None:
    wide = {"type": "object", "properties": {f"p{n}": TEXT for n in range(1_000)}}
    found = outputs(wide | {"required": ["p999"], "additionalProperties": False})
    assert len(found["properties"]) < 201
    assert "p999" in found["properties"]
    assert "additionalProperties" not in found


@pytest.mark.parametrize("count", [300, 10_000])
def test_too_many_parameters_are_refused_by_their_number(count: int) -> None:
    declared = [{"name": f"p{n}", "in": "query", "schema": TEXT} for n in range(count)]
    (found,) = read(api({"/a": {"get": {"parameters": declared}}}))
    assert isinstance(found, Fault)
    assert found.reason.startswith(f"declares {count:,} parameters, over the limit of ")


def test_ten_thousand_operations_come_one_by_one() -> None:
    operation = gives(ref("S0"))
    paths = {f"/a{n}": {"get": operation} for n in range(10_000)}
    document = api(paths, components={"schemas": doubling(2)})
    found = iter(openapi.read(document, "line 3") or ())
    first = next(found)
    assert (first.position, sum(1 for _ in found)) == ("line 3, GET /a0", 9_999)


@pytest.mark.parametrize(
    ("file", "operations", "with_outputs"),
    [
        ("openapi/specs.jsonl.gz", 1381, 1176),
        ("restbench_spotify/spotify_oas.json.gz", 40, 26),
        ("toolalpaca_real/eval_real.json.gz", 40, 34),
        ("nestful/open_api_specs.jsonl.gz", 37, 37),
    ],
)
def test_real_documents_are_read_whole(
    shared_data: Path, file: str, operations: int, with_outputs: int
) -> None:
    found = [each for value in documents(shared_data / file) for each in recognise(value)[1]]
    entries = [each for each in found if isinstance(each, Entry)]
    assert (len(found), len(entries)) == (operations, operations)
    assert sum(each.outputs is not None for each in entries) == with_outputs
    for each in entries[:: 1 + operations // 200]:  # the metaschema is slow
        assert_normal(each)
