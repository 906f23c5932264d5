"""The table that says what is done to chains before conversations are written for them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from simkit.config_section import Section, Share


class ChainSection(Section):
    """``[chain]``: what conversations must contain by design; 0 turns an operation off."""

    merge_rate: Share = 0.3
    """Share of steps in which the user wants two things that are to be called together."""
    insert_rate: Share = 0.15
    """Share of steps that need a function which the user does not ask for."""
    branch_rate: Share = 0.2
    """Share of chains in which a function is fed by two earlier ones."""
    missing_function_rate: Share = 0.06
    """Share of conversations with a request whose function is not on offer."""
    missing_parameter_rate: Share = 0.1
    """Share of conversations in which a needed value is given only when asked for."""
    irrelevance_rate: Share = 0.06
    """Share of conversations in which nothing on offer can serve the user."""
    # A TOML array arrives as a list, which strict mode refuses for a tuple.
    distractors: tuple[int, int] = Field(default=(0, 4), strict=False)
    """Fewest and most functions on offer that the chain does not need."""
    gate: bool = False
    """Whether the writer's model is asked first if a chain hangs together; refused ones fail."""

    @model_validator(mode="after")
    def _one_kind_each(self) -> Self:
        kinds = (self.missing_function_rate, self.missing_parameter_rate, self.irrelevance_rate)
        if sum(kinds) > 1 + 1e-9:  # decimals do not add up exactly in binary
            raise ValueError(
                "missing_function_rate, missing_parameter_rate and irrelevance_rate must not be "
                f"above 1 together, as a conversation is of one kind; they are {sum(kinds):g}"
            )
        return self

    @model_validator(mode="after")
    def _distractors_in_order(self) -> Self:
        least, most = self.distractors
        if not 0 <= least <= most <= 100:
            raise ValueError(
                "distractors must be two numbers from 0 to 100, the first not above the second, "
                f"not [{least}, {most}]"
            )
        return self
