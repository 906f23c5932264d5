"""The table that says who the users are and how they go about it."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from simkit.config_section import Section, Share


class DialogueSection(Section):
    """``[dialogue]``: who the users are, and how they bring up what they want.

    The rates are shares of conversations; the rest bring up one goal after the other.
    """

    personas: bool = True
    """Whether each user's age, work, knowledge, manner and mood are drawn from lists; false leaves
    the person to the writer's model."""
    single_rate: Share = 0.15
    """Share in which all goals are told in one message."""
    change_of_mind_rate: Share = 0.1
    """Share in which the user takes back a value that they gave."""
    chit_chat_rate: Share = 0.1
    """Share with small talk in between."""
    follow_up_rate: Share = 0.1
    """Share in which the user comes back to an earlier result."""

    @model_validator(mode="after")
    def _one_kind_each(self) -> Self:
        rates = (
            self.single_rate,
            self.change_of_mind_rate,
            self.chit_chat_rate,
            self.follow_up_rate,
        )
        if sum(rates) > 1 + 1e-9:  # decimals do not add up exactly in binary
            raise ValueError(
                "single_rate, change_of_mind_rate, chit_chat_rate and follow_up_rate must not be "
                f"above 1 together, as a dialogue is of one kind; they are {sum(rates):g}"
            )
        return self
