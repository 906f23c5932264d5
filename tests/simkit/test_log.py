"""The log: JSON lines in the run's file, warnings for people, keys in neither."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from simkit.log import configure_log, log_to


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_each_entry_is_a_json_line_in_the_file() -> None:
    file = io.StringIO()
    configure_log(secrets=(), warnings=None)
    with log_to(file):
        structlog.get_logger().info("cache is damaged", path="x.db", times=2)

    (line,) = file.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["path"], entry["times"]) == (
        "cache is damaged",
        "info",
        "x.db",
        2,
    )


def test_a_key_is_nowhere_in_the_log() -> None:
    """
    In the message, a value, a key, inside a list, an object's text or a traceback.
    """
    key = "sk-1234567890"
    file, people = io.StringIO(), io.StringIO()
    configure_log(secrets=[key], warnings=people)
    with log_to(file):
        log = structlog.get_logger()
        log.warning(f"sent {key}", **{key: 1}, nested={"headers": [f"Bearer {key}"]})
        try:
            raise ValueError(f"bad header {key}")
        except ValueError as error:
            log.exception("failed", error=error)

    assert key not in file.getvalue()
    assert key not in people.getvalue()
    assert file.getvalue().count("[redacted]") >= 5


def test_people_see_warnings_on_one_line_and_nothing_less() -> None:
    people = io.StringIO()
    configure_log(secrets=(), warnings=people)
    structlog.get_logger().info("not shown")
    structlog.get_logger().warning("cache set aside", why="it is\nno database \x1b[31m")

    assert people.getvalue() == "simkit: warning: cache set aside why=it is no database [31m\n"
