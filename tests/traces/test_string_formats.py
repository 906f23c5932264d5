"""Formats of JSON Schema."""

from __future__ import annotations

import pytest

from simkit.traces.arguments import schema_problem


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("date", "2024-02-29"),
        ("time", "10:00"),
        ("time", "23:59:60Z"),
        ("date-time", "2024-01-01T10:00:00.5+02:00"),
        ("date-time", "2024-01-01 10:00"),
        ("email", "mira@example.com"),
        ("ipv4", "10.0.0.1"),
        ("ipv6", "::1"),
        ("uri", "https://example.com/a?b=c"),
        ("uuid", "9B2F7C1E-7C1E-4A55-8D3B-1F2E3D4C5B6A"),
        ("hostname", "no such format is asked about"),
    ],
)
def test_what_has_the_format_passes(form: str, text: str) -> None:
    assert schema_problem({"type": "string", "format": form}, text) is None


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("date", "2024-02-30"),
        ("date", "19/05/2024"),
        ("date", "20240519"),
        ("time", "around 10 o'clock"),
        ("time", "24:00"),
        ("date-time", "2024-01-01"),
        ("date-time", "2024-01-01 at 10:00:00"),
        ("email", "mira at example.com"),
        ("ipv4", "10.0.0.256"),
        ("ipv6", "10.0.0"),
        ("uri", "example.com a"),
        ("uuid", "9b2f7c1e"),
    ],
)
def test_what_has_not_is_named_with_its_format(form: str, text: str) -> None:
    schema = {"type": "object", "properties": {"it": {"type": "string", "format": form}}}
    problem = schema_problem(schema, {"it": text})
    assert problem is not None
    assert problem.path == "it"
    assert f"is not a '{form}'" in problem.message


def test_a_format_is_asked_of_texts_only() -> None:
    assert schema_problem({"format": "date"}, 5) is None
