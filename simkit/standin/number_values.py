"""Plausible numbers within the bounds of a schema."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from simkit.standin.keywords import number_at, text_at
from simkit.standin.named_numbers import NumberRange, range_for
from simkit.traces.functions import Schema

_TRIES = 100


def integer_for(schema: Schema, name: str, draw: random.Random) -> int:
    """A whole number for the field *name*."""
    step = _step(schema).numerator  # the smallest whole number that is a multiple
    first, last = _multiples(schema, _usual(schema, name), Fraction(step))
    return draw.randint(first, last) * step


def number_for(schema: Schema, name: str, draw: random.Random) -> float:
    """A number for the field *name*, with as many decimals as such a field would have.

    It is an int where the field counts something, whatever the schema calls it.
    """
    usual = _usual(schema, name)
    if number_at(schema, "multipleOf"):
        return _multiple(schema, usual, draw)
    low, high = _span(schema, usual)
    exact = low + (high - low) * draw.random()
    rounded = round(exact, usual.decimals or None)  # to None decimals: an int
    for value in (rounded, exact, low, high, low / 2 + high / 2):
        if _within(schema, value):
            return value
    return exact


def _usual(schema: Schema, name: str) -> NumberRange:
    return range_for(name, text_at(schema, "description"))


def _multiple(schema: Schema, usual: NumberRange, draw: random.Random) -> float:
    step = _step(schema)
    first, last = _multiples(schema, usual, step)
    for _ in range(_TRIES):
        value = float(draw.randint(first, last) * step)
        # Validators divide floats, and 1.1 / 0.1 is no whole number to them.
        if (value / float(step)).is_integer():
            break
    return value


def _multiples(schema: Schema, usual: NumberRange, step: Fraction) -> tuple[int, int]:
    """The first and the last whole number whose product with *step* fits."""
    low, high = _span(schema, usual)
    first, last = math.ceil(Fraction(low) / step), math.floor(Fraction(high) / step)
    first += first * step == number_at(schema, "exclusiveMinimum")
    last -= last * step == number_at(schema, "exclusiveMaximum")
    return first, max(first, last)


def _span(schema: Schema, usual: NumberRange) -> tuple[float, float]:
    """The usual range, moved and cut to what the schema allows."""
    low, high = usual.low, usual.high
    least, most = _lower_bound(schema), _upper_bound(schema)
    width = max(high - low, 2 * abs(number_at(schema, "multipleOf") or 1))
    if least is not None and least > low:
        low, high = least, high if high >= least + width / 8 else least + width
    if most is not None and most < high:
        low, high = low if low <= most - width / 8 else most - width, most
    return (low if least is None else max(low, least)), high


def _lower_bound(schema: Schema) -> float | None:
    bounds = number_at(schema, "minimum"), number_at(schema, "exclusiveMinimum")
    return max((bound for bound in bounds if bound is not None), default=None)


def _upper_bound(schema: Schema) -> float | None:
    bounds = number_at(schema, "maximum"), number_at(schema, "exclusiveMaximum")
    return min((bound for bound in bounds if bound is not None), default=None)


def _within(schema: Schema, value: float) -> bool:
    least, most = number_at(schema, "minimum"), number_at(schema, "maximum")
    above, below = number_at(schema, "exclusiveMinimum"), number_at(schema, "exclusiveMaximum")
    return (
        (least is None or value >= least)
        and (most is None or value <= most)
        and (above is None or value > above)
        and (below is None or value < below)
    )


def _step(schema: Schema) -> Fraction:
    step = number_at(schema, "multipleOf")
    return Fraction(str(step)) if step else Fraction(1)
