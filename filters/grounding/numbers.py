"""Numbers in text, and which numbers follow from known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from simkit.filters.grounding.normal_text import listed
from simkit.filters.phrases import ascii_words

_UNITS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = listed(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_ORDINAL_TENS = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"
_WORD_VALUES: dict[str, float] = {
    **{word: number for number, word in enumerate(_UNITS)},
    **{word: number for number, word in enumerate(_ORDINALS)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
    **{word: 10 * number for number, word in enumerate(listed(_ORDINAL_TENS), start=2)},
}
_WORD_VALUES |= {"half": 0.5, "quarter": 0.25, "couple": 2, "pair": 2, "dozen": 12}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "grand": 1e3, "million": 1e6, "m": 1e6}
_SCALES |= {"mil": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12}
_NOT_NUMBERS = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\S{0,40}|\b\d{1,2}:\d{2}(?::\d{2})?|\b[^\W\d][^\W_]{0,40}[-_]?\d[\w-]{0,60}"
)
"""Dates, times and identifiers: their digits count nothing."""
# What may not stand before is asked after the first digit: `re` finds first characters faster.
_DIGITS = re.compile(
    r"(\d(?<![\d.]\d)(?:\d{0,2}(?:[,_\u202f ]\d{3})+(?:\.\d+)?|\d{0,2}(?:\.\d{3})+,\d+"
    r"|\d*[.,]\d+|\d*))"
    r"(?:\s?(hundred|thousand|million|billion|trillion|grand|mil|mn|bn|k|m|b)\b)?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_ANY_WORD = "|".join(sorted((*_WORD_VALUES, *_SCALES), key=len, reverse=True))
_WORDS = re.compile(
    rf"\b(?:{_ANY_WORD})\b(?:(?:[\s-]|\sand\s)(?:{_ANY_WORD})\b){{0,8}}", re.IGNORECASE
)
_PARTS = {"half": 1 / 2, "quarter": 1 / 4, "third": 1 / 3, "two thirds": 2 / 3}
_PARTS["three quarters"] = 3 / 4
# Words without which there is no number in words, or no part of one: of most texts, neither.
_NUMBER_WORDS = frozenset((*_WORD_VALUES, *_SCALES))
_PART_WORDS = frozenset(listed("half quarter quarters third thirds"))
_A_PART = re.compile(
    r"\b(?:(?:an?|one)[\s-](third)|(two[\s-]thirds|three[\s-]quarters))\b", re.IGNORECASE
)
_AND_A_PART = re.compile(
    rf"\b(?:(\d{{1,9}})|({'|'.join(_WORD_VALUES)})|an?)(?:\s[a-z]{{1,12}})?\sand\s(?:an?|one)\s"
    r"(half|quarter|third)\b",
    re.IGNORECASE,
)
_FEET_AND_INCHES = re.compile(
    r"(\d)(?<![\w.]\d)\s?(?:['’′]|ft\b\.?|feet\b|foot\b)\s?(\d|1[01])(?![\d.])", re.IGNORECASE
)
_UNITS_MIXED = (
    *(7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 1024, 3600, 86400, 604800, 10**6, 10**9),
    *(1.609344, 0.3048, 2.54, 0.45359237, 2.20462262, 3.28084, 0.621371, 30.48, 1609.344),
)
"""Between units that people mix: time, money in cents, percent, metric and imperial."""
_UNITS_MEASURED = (1.609344, 0.3048, 2.54, 0.0254, 30.48, 0.45359237, 28.349523, 3.785412)
"""Metric and imperial: what they make of a number is always rounded."""
_CONVERTED = 8
"""Known numbers that are converted and rounded: the latest; of many, almost any can be made."""


def numbers_in(text: str) -> list[float]:
    """Every number that *text* writes, in digits or in words, as it may be read.

    Thousands separators and decimal commas, scales (``2k``, ``3 million``), number words and
    ordinals (``twenty-one``, ``third``), parts (``a third``, ``6 and a half``) and feet with
    inches (``5'11``, in inches) are understood. The digits of dates, times and identifiers are
    not taken for numbers.
    """
    found: list[float] = []
    if _DIGIT.search(text):
        for feet, inches in _FEET_AND_INCHES.findall(text):
            found.append(12 * float(feet) + float(inches))
        text = _NOT_NUMBERS.sub(" ", text)
        for digits, scale in _DIGITS.findall(text):
            for number in _readings(digits):
                found.append(number)
                if scale:
                    found.append(number * _SCALES[scale.lower()])
    words = ascii_words(text)
    if not _NUMBER_WORDS.isdisjoint(words):
        for spelled in _WORDS.finditer(text):
            found += _spelled_out(re.split(r"[\s-]+", spelled[0].lower()))
    if not _PART_WORDS.isdisjoint(words):
        found += _parts_in(text)
    return found


def _parts_in(text: str) -> Iterator[float]:
    """Parts of a whole, also in percent, and whole numbers with a part."""
    for third, several in _A_PART.findall(text):
        part = _PARTS[" ".join(re.split(r"[\s-]", (third or several).lower()))]
        yield from (part, 100 * part, float(int(100 * part)))
    for digits, word, part in _AND_A_PART.findall(text):
        whole = float(digits) if digits else _WORD_VALUES.get(word.lower(), 1.0)
        yield whole + _PARTS[part.lower()]


def number_of(text: str) -> float | None:
    """The number that *text* as a whole is, with currency sign, percent or separators; or None."""
    plain = text.strip().lstrip("+$€£¥ ").rstrip("%€ ")
    sign, plain = (-1, plain[1:]) if plain.startswith("-") else (1, plain)
    found = _DIGITS.fullmatch(plain)
    return None if found is None or found[2] else sign * _readings(found[1])[0]


def _readings(digits: str) -> list[float]:
    bare = re.sub(r"[,_\u202f ]", "", digits)
    readings = [float(bare)] if bare.count(".") <= 1 else []
    if "," in digits and not re.fullmatch(r"\d{1,3}(,\d{3})+", digits):
        european = digits.replace(".", "").replace(",", ".")
        if european.count(".") == 1 and european.replace(".", "").isdigit():
            readings.append(float(european))
    return [number for number in readings if number < 1e300] or [0.0]


def _spelled_out(words: list[str]) -> Iterable[float]:
    """The number that a run of number words says, and each word's own."""
    total, current = 0.0, 0.0
    for word in words:
        if word == "and":
            continue
        if word in _WORD_VALUES:
            current += _WORD_VALUES[word]
        elif len(word) > 1:  # "k", "m" and "b" are scales after digits only
            current = (current or 1) * _SCALES[word]
            if _SCALES[word] >= 1e3:
                total, current = total + current, 0.0
    yield total + current
    yield from (_WORD_VALUES[word] for word in words if word in _WORD_VALUES)


def key_of(number: float) -> float:
    """*number* as it is looked up: eight significant digits, without sign."""
    return float(f"{abs(number):.8g}")


def follows_from(number: float, keys: Set[float], latest: Sequence[float]) -> bool:
    """Whether *number* is a known one in another unit or rounded, or made of two known ones.

    Args:
        number: Any finite number.
        keys: The known numbers, see `key_of`.
        latest: Those of them that are combined, the latest last; the cost grows with their
            number.
    """
    wanted = abs(number)
    if any(key_of(wanted * unit) in keys or key_of(wanted / unit) in keys for unit in _UNITS_MIXED):
        return True
    if any(_is_measure(wanted, latest[-at]) for at in range(1, min(_CONVERTED, len(latest)) + 1)):
        return True
    return any(_is_near(wanted, other) or _is_pair(wanted, other, keys) for other in latest)


def _is_near(wanted: float, other: float) -> bool:
    """Whether *wanted* is *other* rounded to a whole number, or to two digits after the point."""
    return other != wanted and wanted in (round(other), round(other, 1), round(other, 2))


def _is_measure(wanted: float, other: float) -> bool:
    """Whether *wanted* is *other* in another unit of measure, rounded to the digits it has.

    It must have some after the point: almost any whole number can be made.
    """
    _, _, decimals = f"{wanted:.10g}".partition(".")
    digits = len(decimals) if decimals.isdigit() else 0
    return digits > 0 and any(
        wanted == round(converted, digits)
        for unit in _UNITS_MEASURED
        for converted in (other * unit, other / unit)
    )


def _is_pair(wanted: float, other: float, keys: Set[float]) -> bool:
    if other == 0:
        return False
    return any(
        partner > 0 and key_of(partner) in keys
        for partner in (wanted - other, other - wanted, wanted + other)
    ) or any(
        partner > 1 and key_of(partner) in keys
        for partner in (wanted / other, other / wanted if wanted else 0, wanted * other)
    )
