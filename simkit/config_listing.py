"""A configuration as TOML in which every option stands, with what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simkit.config import ProviderConfig, RunConfig

_NOTHING: tuple[object, ...] = (None, (), {})


def listing(config: RunConfig) -> str:
    """*config* as TOML with every option: those that are unset stand there as comments.

    The first table of each kind says what its options mean. Where there is no provider, the
    options of one are comments, too. `load_config` on the text gives an equal configuration.
    """
    explained: set[type[BaseModel]] = set()
    lines: list[str] = []
    for path, section in _tables(config, ""):
        lines += _table(section, path, explained=type(section) in explained)
        explained.add(type(section))
    if not config.providers:
        example = ProviderConfig(base_url="https://api.example.com/v1")
        lines += map(_comment, _table(example, "providers.NAME", explained=False))
    return "\n".join(lines).strip() + "\n"


def _tables(section: BaseModel, path: str) -> Iterator[tuple[str, BaseModel]]:
    """The tables in *section*, which is at *path* and holds nothing else, with their paths."""
    for name in type(section).model_fields:
        inner = getattr(section, name)
        for key, table in inner.items() if isinstance(inner, dict) else [("", inner)]:
            where = ".".join(filter(None, (path, name, key)))
            if all(isinstance(value, BaseModel) for value in vars(table).values()):
                yield from _tables(table, where)
            else:
                yield where, table


def _table(section: BaseModel, path: str, *, explained: bool) -> Iterator[str]:
    yield f"[{path}]"
    values = section.model_dump(mode="json")
    tables: list[str] = []
    for name, field in type(section).model_fields.items():
        if not explained:
            yield f"# {_meaning(field)}"
        value = getattr(section, name)
        if value in _NOTHING and value == field.default:
            yield f"# {name} ="
        elif isinstance(value, dict):
            tables += ["", f"[{path}.{name}]", *_assigned(values[name])]
        else:
            yield from _assigned({name: values[name]})
    yield from tables
    yield ""


def _meaning(field: FieldInfo) -> str:
    text = " ".join((field.description or "").replace("``", "").split())
    if get_origin(field.annotation) is Literal:
        text += f" One of: {', '.join(get_args(field.annotation))}."
    return text


def _assigned(values: dict[str, Any]) -> list[str]:
    return tomli_w.dumps(_without_unset(values)).rstrip("\n").split("\n")


def _without_unset(value: Any) -> Any:
    """*value* without what TOML cannot say, and what is unset in it needs no saying."""
    if isinstance(value, dict):
        return {key: _without_unset(inner) for key, inner in value.items() if inner is not None}
    return [_without_unset(inner) for inner in value] if isinstance(value, list) else value


def _comment(line: str) -> str:
    return line if line.startswith("#") or not line else f"# {line}"
