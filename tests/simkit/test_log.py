"""The log: JSON lines in the run's file, warnings for people, keys in neither."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
import structlog

from simkit.log import STDERR, configure_log, log_to


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


def test_a_word_that_serves_as_a_key_leaves_the_log_readable() -> None:
    people = io.StringIO()
    configure_log(secrets=["a", "none", "sk-1234567890", "redacted-key"], warnings=people)
    structlog.get_logger().warning("a cache is none", key="sk-1234567890")

    assert people.getvalue() == "simkit: warning: a cache is none key=[redacted]\n"


def test_warnings_go_to_whoever_has_taken_the_place_of_stderr() -> None:
    """As a live display does, after the log was set up."""
    configure_log(secrets=(), warnings=STDERR)
    display = io.StringIO()
    with redirect_stderr(display):
        structlog.get_logger().warning("an account rests")

    assert display.getvalue() == "simkit: warning: an account rests\n"


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    gone = io.StringIO()
    configure_log(secrets=(), warnings=gone)
    gone.close()
    structlog.get_logger().warning("nobody reads this")
