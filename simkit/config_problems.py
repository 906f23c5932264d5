"""Says what is wrong in a configuration: one line a problem, for the person who wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simkit.config import FallbackSection, ProviderConfig, RunConfig, quoted

_KEY_OPTION = re.compile(r"key|token|secret|password|auth", re.IGNORECASE)

_EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "too_short": "a list that is not empty",
    "string_pattern_mismatch": "a name of letters, digits, - and _",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "model_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "is_instance_of": "a path as text",
    "path_type": "a path as text",
    "date_type": "a date, such as 2026-01-31",
    "date_from_datetime_parsing": "a date, such as 2026-01-31",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a configuration comes from."""

    file: str
    flags: frozenset[str]
    """The dotted keys that the command line gave."""

    def of(self, key: str) -> str:
        """What to call the source of *key*."""
        return "command line" if key in self.flags else self.file

    def before(self, problem: str) -> str:
        """*problem*, which begins with its key, with its source before it."""
        return f"{self.of(problem.partition(':')[0])}: {problem}"


def problem_lines(error: ValidationError, origin: Origin) -> list[str]:
    """One line for each problem of *error*: source, dotted key, expected, found, mend."""
    return [_line(detail, origin) for detail in error.errors()]


def _line(detail: ErrorDetails, origin: Origin) -> str:
    return f"{origin.of(_dotted(detail))}: {problem_line(detail, _section)}"


def problem_line(
    detail: ErrorDetails, section: Callable[[tuple[str, ...]], type[BaseModel]]
) -> str:
    """One line: dotted key, expected, found, mend; *section* gives the schema of a table."""
    return f"{_on_one_line(_dotted(detail))}: {_problem(detail, section)}"


def _on_one_line(key: str) -> str:
    """*key* on one line: a TOML key may hold any character."""
    return "".join(character if character.isprintable() else " " for character in key)


def _dotted(detail: ErrorDetails) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in detail["loc"])
    # pydantic marks a problem with a key itself, not with what stands under it, so.
    return "".join(steps).removeprefix(".").removesuffix(".[key]")


def _problem(detail: ErrorDetails, section: Callable[[tuple[str, ...]], type[BaseModel]]) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        *tables, name = map(str, detail["loc"])
        return _unknown_key(name, section(tuple(tables)))
    if kind == "missing":
        return "is required"
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    wanted = _EXPECTED.get(kind)
    expected = wanted.format(**context) if wanted else detail["msg"]
    return f"expected {expected}, found {_found(detail['input'])}"


def _found(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return quoted(value)


def _unknown_key(name: str, section: type[BaseModel]) -> str:
    # The value is never shown, here least of all: it is likely to be the key itself.
    if section is ProviderConfig and _KEY_OPTION.search(name):
        return (
            "a key must not stand in a configuration; put it into an environment variable "
            "and name that in api_key_env"
        )
    known = list(section.model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    mend = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
    return f"unknown key; {mend}"


def _section(tables: tuple[str, ...]) -> type[BaseModel]:
    """The schema of the table at *tables*."""
    if tables[:1] == ("providers",):
        return ProviderConfig
    if tables[-1:] and tables[-1].isdigit():  # of the only lists of tables that there are
        return FallbackSection
    section: type[BaseModel] = RunConfig
    for name in tables:
        inner = section.model_fields[name].annotation
        assert isinstance(inner, type)  # noqa: S101 - true of every table of the schema
        assert issubclass(inner, BaseModel)  # noqa: S101
        section = inner
    return section
