"""An HTML page that holds all it needs, with other people's text in it only as data."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from simkit.rendering import plain_text

_PAGES = Path(__file__).parent / "pages"


def rendered(template: str, values: dict[str, Any]) -> bytes:
    """The page that *template*, a file of the package, makes of *values*; they are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(values).encode()


def own_file(name: str) -> Markup:
    """The style or script *name* of the package, which is not escaped."""
    return Markup((_PAGES / name).read_text("utf-8"))  # noqa: S704 - our own file


def in_script(data: dict[str, Any]) -> Markup:
    """*data*, which may hold arrays, as JSON in which no character can end the element around."""
    content = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    for character in "<>&":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return Markup(content)  # noqa: S704 - escaped above


def digest(script: str) -> str:
    """Of *script*, as the page's policy names what may run: SHA-256 in base 64."""
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def cut(text: str, most: int) -> str:
    """*text* in at most so many characters, none of which does anything but show."""
    shorter = text if len(text) <= most else f"{text[: most - 1]}…"
    return shorter if shorter.isprintable() else plain_text(shorter)
