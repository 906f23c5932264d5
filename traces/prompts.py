"""Prompts: jinja2 files beside the code that uses them, each known by its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import jinja2
import orjson

_TAG_START = re.compile(r"<(?=[/A-Za-z])")


class PromptSet:
    """The ``*.j2`` files of one folder.

    Values are inserted as they are: a prompt is plain text, not HTML. What comes from a
    catalog or a model goes through the ``json`` filter, inside a tag, and stays data; see
    `quoted_json`.

    Raises:
        FileNotFoundError: The folder holds no prompt.
        jinja2.TemplateSyntaxError: A prompt cannot be compiled; names file and line.
    """

    def __init__(self, folder: Path) -> None:
        environment = jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            autoescape=False,  # noqa: S701 - prompts are read by models, not by browsers
        )
        environment.filters["json"] = _json
        self._templates: dict[str, jinja2.Template] = {}
        self._hashes: dict[str, str] = {}
        for path in sorted(folder.glob("*.j2")):
            source = path.read_bytes()
            self._templates[path.stem] = environment.from_string(source.decode())
            self._hashes[path.stem] = hashlib.sha256(source).hexdigest()[:16]
        if not self._templates:
            raise FileNotFoundError(f"no prompt (*.j2) in {folder}")

    @property
    def hashes(self) -> Mapping[str, str]:
        """Prompt name to the first 16 hex digits of its file's SHA-256."""
        return self._hashes

    def render(self, name: str, **values: object) -> str:
        """Fill in prompt *name*.

        Raises:
            KeyError: There is no such prompt.
            jinja2.UndefinedError: The prompt uses a value that was not given.
        """
        return self._templates[name].render(**values).strip()


def quoted_json(encoded: bytes) -> str:
    """JSON as it may stand inside a tag of a prompt.

    What a model or a catalog wrote can then neither close a tag nor open one: a ``<`` that
    could begin a tag is written as ``\\u003c``, which JSON reads as the same character.
    """
    return _TAG_START.sub(r"\\u003c", encoded.decode())


def _json(value: object) -> str:
    return quoted_json(orjson.dumps(value))
