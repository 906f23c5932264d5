"""What the tables of a configuration are made of: their common rules, and types of options."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Temperature = Annotated[float, Field(ge=0, le=2)]
Share = Annotated[float, Field(ge=0, le=1)]
Tokens = Annotated[int, Field(ge=1)]
Money = Annotated[float, Field(gt=0)]
# A TOML array arrives as a list, which strict mode refuses for a tuple.
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    AfterValidator(lambda names: _distinct(names)),
]
"""One name or several; one need not stand in a list."""


class Section(BaseModel):
    """What all tables share: unknown keys and loose types are errors, nothing changes."""

    # Docstrings of fields are their descriptions: one text for readers and for machines.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


def quoted(value: object) -> str:
    """*value* for an error message: on one line, short, text in double quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"expected different names, found {quoted(twice)} twice")
    return names
