"""Calls whose arguments do not fit their function, and calls to no function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from simkit.filters.corruptions.edit import (
    Draw,
    Edit,
    Site,
    schema_at,
    sites,
    with_arguments,
    with_call,
)
from simkit.traces.records import Trajectory

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_EXTRAS: tuple[tuple[str, Any], ...] = (
    ("include_details", True),
    ("notes", "As requested by the customer"),
    ("priority", "high"),
    ("limit", 10),
    ("language", "en"),
    ("confirm", True),
    ("sort_by", "relevance"),
)
_OTHER_VALUES = ("standard", "premium", "default", "any", "other", "normal")
_VERBS = {
    "get": ("fetch", "retrieve", "lookup"),
    "find": ("search", "lookup"),
    "search": ("find", "query"),
    "list": ("get_all", "show"),
    "create": ("make", "add", "new"),
    "book": ("reserve", "make_booking"),
    "update": ("modify", "change"),
    "cancel": ("delete", "abort"),
    "delete": ("remove", "drop"),
    "send": ("dispatch", "submit"),
}
_WRITTEN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def wrong_type(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A value of another JSON type than the schema's, as models slip: "three" for 3."""
    found = [
        (site, name, wrong)
        for site in sites(trajectory)
        for name, value in site.arguments.items()
        if (wrong := _of_another_type(value, site.properties.get(name, {}))) is not None
    ]
    if not found:
        return None
    site, name, wrong = draw.choice(found)
    return _edit(trajectory, site, name, wrong)


def _of_another_type(value: Any, schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return _DIGITS[value] if 0 <= value < len(_DIGITS) else str(value)
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return f"about {value}"
        case "boolean" if isinstance(value, bool):
            return "yes" if value else "no"
        case "string" if isinstance(value, str):
            return int(value) if value.isdecimal() and len(value) < 16 else [value]
        case "array" if isinstance(value, list) and value:
            return value[0] if len(value) == 1 and not isinstance(value[0], list) else str(value)
        case "object" if isinstance(value, dict) and value:
            return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    return None


def missing_argument(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A required argument is left out."""
    found = [
        (site, name)
        for site in sites(trajectory)
        if site.function is not None
        for name in site.function.parameters.get("required", ())
        if name in site.arguments
    ]
    if not found:
        return None
    site, name = draw.choice(found)
    kept = {key: value for key, value in site.arguments.items() if key != name}
    return Edit(
        messages=with_arguments(trajectory.messages, site, kept),
        turns=(site.turn,),
        changed=f"{site.call.name} without {name}",
    )


def unknown_argument(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A parameter that the function does not have."""
    found = [
        (site, name, value)
        for site in sites(trajectory)
        if site.function is not None and not site.function.parameters.get("additionalProperties")
        for name, value in _EXTRAS
        if name not in site.properties
    ]
    if not found:
        return None
    site, name, value = draw.choice(found)
    return _edit(trajectory, site, name, value)


def bad_enum(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A value that is nearly, or not at all, one of those allowed."""
    found = [
        (site, name, wrong)
        for site in sites(trajectory)
        for name, value in site.arguments.items()
        for wrong in _near_misses(value, site.properties.get(name, {}).get("enum"))
    ]
    if not found:
        return None
    site, name, wrong = draw.choice(found)
    return _edit(trajectory, site, name, wrong)


def _near_misses(value: Any, allowed: Any) -> Iterator[str]:
    if not isinstance(value, str) or not isinstance(allowed, list):
        return
    near = (value.upper(), value.title(), value.replace("_", " "), f"{value}s")
    for wrong in dict.fromkeys((*near, *_OTHER_VALUES)):
        if wrong not in allowed:
            yield wrong


def bad_format(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A date, address or code written otherwise than the function asks for."""
    found = [
        (site, name, wrong)
        for site in sites(trajectory)
        for name, value in site.arguments.items()
        if isinstance(value, str)
        and (wrong := _written_otherwise(value, schema_at(_schema(site), (name,)))) is not None
    ]
    if not found:
        return None
    site, name, wrong = draw.choice(found)
    return _edit(trajectory, site, name, wrong)


def _schema(site: Site) -> Any:
    return {} if site.function is None else site.function.parameters


def _written_otherwise(value: str, schema: dict[str, Any]) -> str | None:
    asked = schema.get("format")
    told = "YYYY-MM-DD" in str(schema.get("description", ""))
    if (asked == "date" or told) and _WRITTEN_DATE.fullmatch(value):
        year, month, day = value.split("-")
        return f"{day}/{month}/{year}"
    match asked:
        case "date-time":
            return value.replace("T", " at ").rstrip("Z")
        case "time":
            return f"around {value[:2]} o'clock"
        case "email":
            return value.replace("@", " at ")
        case "uri" | "url":
            return value.split("://")[-1].replace("/", " ")
        case "uuid":
            return value.replace("-", "")[:12]
    return _off_pattern(value, schema.get("pattern"))


def _off_pattern(value: str, pattern: Any) -> str | None:
    if not isinstance(pattern, str):
        return None
    for wrong in (f"no. {value}", value.lower(), value.replace("-", " ")):
        try:
            if not re.search(pattern, wrong):
                return wrong
        except re.error:
            return None
    return None


def unknown_function(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A function that is not on offer, of a name much like one that is."""
    names = {tool.name for tool in trajectory.scenario.tools}
    found = [
        (site, name)
        for site in sites(trajectory)
        if site.function is not None
        for name in _like(site.call.name)
        if name not in names
    ]
    if not found:
        return None
    site, name = draw.choice(found)
    return Edit(
        messages=with_call(trajectory.messages, site, replace(site.call, name=name)),
        turns=(site.turn,),
        changed=f"{site.call.name} became {name}",
    )


def _like(name: str) -> Iterator[str]:
    verb, _, rest = name.partition("_")
    for other in _VERBS.get(verb.lower(), ()):
        yield f"{other}_{rest}" if rest else other
    yield f"{name[:56]}_info"
    yield f"{name[:56]}_by_id"


def _edit(trajectory: Trajectory, site: Site, name: str, value: Any) -> Edit:
    was = site.arguments.get(name)
    return Edit(
        messages=with_arguments(trajectory.messages, site, site.arguments | {name: value}),
        turns=(site.turn,),
        changed=f"{site.call.name}.{name}: {value!r} in the place of {was!r}",
    )
