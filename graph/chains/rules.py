"""How often which operation is applied to a chain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRules:
    """The rates of `simkit.graph.chains.planner.Planner`, checked; 0 turns an operation off.

    Raises:
        ValueError: A number is out of range; the message names it.
    """

    merge_rate: float = 0.3
    """Share of steps that get a second function, to be called together with theirs."""
    insert_rate: float = 0.15
    """Share of steps that need a function which nobody asks for."""
    branch_rate: float = 0.2
    """Share of chains in which a function is fed by two earlier ones."""
    missing_function_rate: float = 0.06
    """Share of conversations with a step whose function is not on offer."""
    missing_parameter_rate: float = 0.1
    """Share of conversations in which a needed value is given only when asked for."""
    irrelevance_rate: float = 0.06
    """Share of conversations in which nothing on offer can serve the user."""
    distractors: tuple[int, int] = (0, 4)
    """Fewest and most functions on offer that the chain does not need."""

    def __post_init__(self) -> None:
        for name in ("merge_rate", "insert_rate", "branch_rate"):
            if not 0 <= (rate := getattr(self, name)) <= 1:
                raise ValueError(f"{name} must be in [0, 1], not {rate}.")
        kinds = (self.missing_function_rate, self.missing_parameter_rate, self.irrelevance_rate)
        if min(kinds) < 0 or sum(kinds) > 1 + 1e-9:  # decimals do not add up exactly in binary
            raise ValueError(
                "missing_function_rate, missing_parameter_rate and irrelevance_rate must be at "
                f"least 0 and 1 together at most, not {', '.join(map(str, kinds))}."
            )
        if not 0 <= self.distractors[0] <= self.distractors[1]:
            raise ValueError(
                f"distractors must be two ascending numbers from 0, not {self.distractors}."
            )
