"""Whether the value of an argument can come from what a conversation has given."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from simkit.filters.grounding.argument_values import ArgumentValue
from simkit.filters.grounding.dates import calendar_dates_in, months_in
from simkit.filters.grounding.normal_text import content_words, listed, words_of
from simkit.filters.grounding.numbers import number_of
from simkit.filters.grounding.turns import Sources

_SETTINGS = frozenset(
    listed(
        "page pages limit offset size max maximum min minimum top k n count results radius timeout "
        "lat latitude lon lng long longitude zoom seed per skip retries interval quality priority "
        "level index version iterations hour minute day month"
    )
)
"""Words in names of numbers that an assistant may set by itself, or infer from a place."""
_FREELY_SET = 10
"""Whole numbers up to this are inferred (passengers, a page) rather than quoted."""
_INFERRED = frozenset(
    listed(
        "code codes iata icao iso currency currencies language languages lang locale country "
        "countries nationality timezone tz zone airport symbol ticker unit units state province "
        "region continent type category categories kind genre mode method format status sort "
        "order filter tag tags gender color colour model engine role field fields industry "
        "sector cuisine diet season mood level priority reason severity expression formula "
        "equation function operation operator command code snippet sql regex pattern source "
        "target from to base"
    )
)
"""Words in names of texts that an assistant infers from what was said in other words."""
_TOPICAL = frozenset(listed("query keyword keywords topic topics subject search"))
"""Words in names of texts that say in a few words what the user is after."""
_PERSON = frozenset(listed("first last full given family middle sur surname customer passenger"))
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_TOKEN = re.compile(r"[^\W_](?:[\w.@#:/+-]{0,200}[^\W_])?")
_TIME = re.compile(
    r"\bT?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[ap]\.?m\.?)?(?:Z|[+-]\d{2}:?\d{2})?\b|"
    r"\b\d{1,2}\s?[ap]\.?m\b\.?",
    re.IGNORECASE,
)
_SIMPLE = re.compile(r"([a-z]*)(\d+)([a-z]*)")
_MOST_READ = 20_000
"""Characters of a text that are looked at."""
_IDENTIFYING = frozenset(
    listed(
        "id ids code pin phone telephone tel mobile zip account order reference ref invoice card"
    )
)
"""Words in names of numbers that are identifiers, however short."""
_PHONE = re.compile(r"(?:\+|00)?[\d\s().-]{9,24}")
_NATIONAL = 7
"""Digits that a telephone number has at least without its country code."""
_SHORT = 3
"""Digits up to which a number says nothing about an identifier."""
_DAY_PARTS = listed(
    "morning noon midday afternoon evening night tonight midnight lunch lunchtime dinner breakfast "
    "now asap am pm clock hour hours"
)
_DAY_BOUNDS = ("00:00", "23:59", "24:00")
_FREE_WORDS = 5
"""From so many words on a text counts as written, not quoted."""
_LONG_NUMBER = 6
"""Digits from which a bare number in a written text is an identifier."""


def unknown_part(argument: ArgumentValue, sources: Sources) -> str | None:
    """The part of *argument* that nobody gave, in words for a reason; None when all can come
    from what was said, was offered, or is an inference that an assistant may make."""
    value = argument.value
    if value is None or isinstance(value, bool) or _is_choice(value, argument.schema):
        return None
    if isinstance(value, int | float):
        return _unknown_number(argument, float(value), sources)
    if not isinstance(value, str):
        return None
    return _unknown_text(argument, value[:_MOST_READ].strip(), sources)


def unknown_dates(text: str, sources: Sources) -> list[str]:
    """Spellings of the full dates in *text* that were neither said nor offered nor follow.

    Where users do not speak English, the name of a month cannot be read: the numbers of a
    date suffice, see `KnownValues.has_digits_of`, and months are not checked.
    """
    said, offered = sources.said, sources.offered
    days = [(spelled, day) for spelled, day in calendar_dates_in(text) if not said.gives_date(day)]
    months = [spelled for spelled, day in months_in(text) if not said.has_month(day)]
    if (days or months) and sources.spoken.is_other:
        days, months = [one for one in days if not said.has_digits_of(one[1])], []
    unknown = [spelled for spelled, _ in days]
    return [spelled for spelled in (*unknown, *months) if not offered.has_run(spelled)]


def _is_choice(value: Any, schema: Mapping[str, Any]) -> bool:
    choices = schema.get("enum")
    return (isinstance(choices, list) and value in choices) or any(
        key in schema and schema[key] == value for key in ("const", "default")
    )


# Numbers


def _unknown_number(argument: ArgumentValue, number: float, sources: Sources) -> str | None:
    if not math.isfinite(number) or _is_free(argument, number):
        return None
    if argument.schema.get("type") == "string":
        return None  # of the wrong type, which is another check's business
    if sources.said.gives_number(number) or sources.offered.has_number(number):
        return None
    spelled = f"{abs(number):.15g}"
    if sources.spoken.is_other and not _is_identifier(argument, spelled):
        return None  # it may have been given in words that cannot be read
    return None if _is_known_run(spelled, sources) else f"the number {spelled}"


def _is_known_run(digits: str, sources: Sources) -> bool:
    """Whether a whole number of some length is part of an identifier that was given."""
    return digits.isdigit() and len(digits) > _SHORT and sources.said.has_run(digits)


def _is_identifier(argument: ArgumentValue, digits: str) -> bool:
    """Whether a number is an identifier by its name or by how many digits count."""
    return len(digits.rstrip("0")) >= _LONG_NUMBER or bool(_IDENTIFYING & set(argument.words))


def _is_free(argument: ArgumentValue, number: float) -> bool:
    if number in (-1, 0.5) or (number == int(number) and 0 <= number <= _FREELY_SET):
        return True
    return bool(_SETTINGS & set(argument.words))


# Text


def _unknown_text(argument: ArgumentValue, text: str, sources: Sources) -> str | None:
    if not text or sources.said.has_run(text) or sources.offered.has_run(text):
        return None
    if _is_known_phone(text, sources):
        return None
    number = number_of(text)
    if number is not None and len(text) < 5:
        return _unknown_number(argument, number, sources)
    email = next((e for e in _EMAIL.findall(text) if not _is_known(e, sources)), None)
    if email is not None:
        return f"the address {email}"
    for date in unknown_dates(text, sources):
        return None if sources.relative else f"the date {date}"
    if _TIME.fullmatch(text):
        is_known = _is_known_time(text, sources) or sources.spoken.is_other
        return None if is_known else f"the time {text}"
    rest = _without_dates(text)
    is_written = len(words_of(rest)) >= _FREE_WORDS
    for token in _TOKEN.findall(rest):
        if _is_unknown_identifier(token, sources, is_written=is_written):
            return token if token == text else f"{token} in it"
    return _unknown_name(argument, rest, sources)


def _without_dates(text: str) -> str:
    for spelled, _ in (*calendar_dates_in(text), *months_in(text)):
        text = text.replace(spelled, " ")
    return _TIME.sub(" ", _EMAIL.sub(" ", text))


def _is_known_phone(text: str, sources: Sources) -> bool:
    """Whether *text* is a national telephone number that was said, after a country code."""
    if not _PHONE.fullmatch(text) or not text.startswith(("+", "00", "1")):
        return False
    digits = "".join(words_of(text)).removeprefix("00")
    return any(
        len(digits) - code >= _NATIONAL and sources.said.has_run(digits[code:])
        for code in (1, 2, 3)
    )


def _is_known_time(text: str, sources: Sources) -> bool:
    """Whether its hour was said, or some part of the day that it may lie in."""
    if text.lstrip("T").startswith(_DAY_BOUNDS):
        return True
    hour = int(words_of(text.lstrip("T"))[0].rstrip("apm"))
    hours = {hour, hour % 12, hour % 12 + 12, 12 if hour % 12 == 0 else hour}
    spelled = [f"{at}{half}" for at in hours for half in ("", "am", "pm", "h")]
    spelled += [f"{at:02d}" for at in hours]
    return any(map(sources.said.has_word, (*spelled, *_DAY_PARTS))) or any(
        map(sources.said.has_number, hours)
    )


def _is_known(text: str, sources: Sources) -> bool:
    return sources.said.has_run(text) or sources.offered.has_run(text)


def _is_unknown_identifier(token: str, sources: Sources, *, is_written: bool) -> bool:
    """Whether *token* has digits that nobody gave; in a written text only if they are many."""
    digits = sum(map(str.isdigit, token))
    if not digits or (token.isdigit() and digits <= _SHORT):
        return False
    if is_written and digits < (_LONG_NUMBER if token.isdigit() else 3):
        return False
    if _is_known(token, sources):
        return False
    number = number_of(token)
    if number is not None and sources.said.gives_number(number):
        return False
    return any(_is_unknown_piece(piece, sources) for piece in words_of(token))


def _is_unknown_piece(piece: str, sources: Sources) -> bool:
    """Whether one run of letters and digits is none of the known ones, nor put together."""
    if piece.isalpha() or _is_known(piece, sources):
        return False
    simple = _SIMPLE.fullmatch(piece)
    if simple is None:
        return True
    before, digits, after = simple.groups()
    if len(digits) <= 2:
        letters = before or after
        is_named = len(letters) >= _SHORT and sources.said.has_like(letters)
        is_counted = not before and sources.said.has_number(int(digits))  # e.g. "47d", "5kg"
        return bool(before and after) or not (is_named or is_counted)
    return not _is_known(digits, sources)


def _unknown_name(argument: ArgumentValue, text: str, sources: Sources) -> str | None:
    """*text* when it is like a name and has nothing in common with what was said."""
    words = content_words(text)
    if not words or _is_inferred(argument, text):
        return None
    said = sources.said
    if _is_person(argument):
        unknown = [word for word in words if not said.has_word(word) and not said.has_run(word)]
        return f"the name {unknown[0]!r}" if unknown else None
    if any(said.has_like(word) or said.has_run(word) for word in words):
        return None
    if any(sources.offered.has_word(word) for word in words):
        return None
    is_topic = argument.is_required and len(words) > 1 and bool(_TOPICAL & set(argument.words))
    if len(words) >= 3 or is_topic or _is_proper(text):
        return f"{text!r}, of which no word was said,"
    return None


def _is_inferred(argument: ArgumentValue, text: str) -> bool:
    """Whether an assistant may have put into *text* what was said in another form."""
    if not text.isascii() or (len(text) <= 5 and " " not in text):
        return True
    return bool(_INFERRED & set(argument.words))


def _is_person(argument: ArgumentValue) -> bool:
    words = argument.words
    return words[-1:] == ("name",) and bool(_PERSON & set(words))


def _is_proper(text: str) -> bool:
    """Whether each longer word begins in upper case, or the text is one hyphenated name."""
    words = [word for word in text.split() if len(word) > 3]
    if len(words) <= 1 and re.search(r"\w[-_./]\w", text):
        return True
    return bool(words) and all(word[0].isupper() for word in words)
