"""ToolBench: RapidAPI endpoints, one a row, or as the ``api_list`` of a tool or of a query.

Outputs come from the shape of an example response; their ``$comment`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside
from simkit.graph.catalogs.example_shapes import schema_of_shape, whole_shape

_LISTS = ("required_parameters", "optional_parameters")
_INHERITED = ("tool_name", "category_name")


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of an endpoint, a tool or a query; None for another format."""
    if not isinstance(document, dict):
        return None
    if _is_endpoint(document):
        return [_entry(document, position)]
    listed = document.get("api_list")
    if not isinstance(listed, list) or not any(map(_is_endpoint, listed)):
        return None
    shared = {key: document[key] for key in _INHERITED if key in document}
    return [
        _entry(shared | endpoint, inside(position, f"api_list[{at}]"))
        if _is_endpoint(endpoint)
        else Fault(position=inside(position, f"api_list[{at}]"), reason="is not an endpoint")
        for at, endpoint in enumerate(listed)
    ]


def _is_endpoint(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(_LISTS)


def _entry(endpoint: dict[str, Any], position: str) -> Entry:
    outputs, repairs = _outputs(endpoint)
    return Entry(
        position=position,
        name=_name(endpoint),
        description=endpoint.get("api_description", endpoint.get("description")),
        parameters=list(_parameters(endpoint)),
        outputs=outputs,
        domain=endpoint.get("category_name"),
        licence=None,
        repairs=repairs,
    )


def _name(endpoint: dict[str, Any]) -> Any:
    """Endpoints are called ``Search`` or ``/all``; only with their tool it says something."""
    name, tool = endpoint.get("api_name", endpoint.get("name")), endpoint.get("tool_name")
    if isinstance(name, str) and isinstance(tool, str) and name.strip() and tool.strip():
        return f"{name.strip()} for {tool.strip()}"
    return name


def _parameters(endpoint: dict[str, Any]) -> Iterator[Any]:
    for key in _LISTS:
        required = key == "required_parameters"
        listed = endpoint.get(key)
        for parameter in listed if isinstance(listed, list) else ():
            is_readable = isinstance(parameter, dict)
            yield parameter | {"required": required} if is_readable else parameter


def _outputs(endpoint: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    example = endpoint.get("template_response")
    if example is None:
        return None, ()
    shape = whole_shape(example) if isinstance(example, str) else example
    if not isinstance(shape, dict | list):
        return None, ("unreadable outputs",)
    schema = schema_of_shape(shape)
    if not schema.get("properties", True):  # an empty example tells nothing
        return None, ()
    cut = ("example cut off",) if isinstance(example, str) else ()
    return schema | {"$comment": "From the shape of an example."}, ("outputs from an example", *cut)
