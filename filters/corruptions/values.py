"""Arguments that fit their schema and come from nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from simkit.filters.corruptions.edit import (
    Draw,
    Edit,
    Path,
    Site,
    before,
    everything_in,
    follows,
    key_of,
    leaves,
    replaced,
    said,
    schema_at,
    sites,
    with_arguments,
)
from simkit.traces.arguments import argument_problem
from simkit.traces.records import Trajectory

NAMES = (
    ("Laura", "Bennett"),
    ("Kevin", "Marsh"),
    ("Priya", "Raman"),
    ("Tomas", "Novak"),
    ("Ingrid", "Solberg"),
    ("Marcus", "Oyelaran"),
    ("Helena", "Fischer"),
    ("Daniel", "Castillo"),
)
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DOMAINS = ("gmail.com", "outlook.com", "mail.com", "company.com")
_RELATIVE = ("tomorrow", "next Friday", "the day after tomorrow", "next month", "this Saturday")
_ID = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9][\w-]{3,63}")
_ID_KEY = re.compile(r"(?:^|_)(?:id|ids|number|code|ref|reference|sku|token)$", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")
_CLOCK = re.compile(r"current (?:date|time)|today is|today's date|time is now", re.IGNORECASE)
_NAME_KEY = re.compile(
    r"(?:^|_)(?:first_name|last_name|full_name|user_name|customer_name|guest_name|passenger_name"
    r"|patient_name|contact_name|recipient_name|employee_name|recipient|customer|patient|guest"
    r"|passenger|contact|author|owner|assignee|attendees|name)$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z][a-z'-]+(?: [A-Z][a-z'-]+){0,2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_AMOUNT_KEY = re.compile(
    r"(?:^|_)(?:amount|price|total|cost|fee|budget|balance|sum|value|payment|salary|rate|limit)$",
    re.IGNORECASE,
)
_CHOSEN = frozenset({"enum", "const"})
"""Keywords of values that are chosen from the schema, and come from nobody."""

_NUMBER = re.compile(r"(?<![\w.-])\d{1,9}(?:\.\d{1,4})?(?![\w-])")
_TRIES = 5

Invent = Callable[[str, Any, Draw], Any]
"""From the key and the value of an argument to another value; None where it is not the kind."""


def ungrounded_id(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """An id of the right shape that nobody said and nothing returned."""
    return _ungrounded(trajectory, draw, _other_id)


def ungrounded_amount(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """An amount of the right size that nobody said and nothing returned.

    Nor does it follow from two that were: it would be somebody's calculation, right or wrong.
    """
    known = [float(number) for number in _NUMBER.findall(everything_in(trajectory))]

    def unexplained(key: str, value: Any, draw: Draw) -> int | float | None:
        amount = _other_amount(key, value, draw)
        return None if amount is None or follows(amount, known) else amount

    return _ungrounded(trajectory, draw, unexplained)


def ungrounded_name(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """Somebody whom nobody has named."""
    return _ungrounded(trajectory, draw, _other_name)


def ungrounded_email(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """An address that nobody has given."""
    return _ungrounded(trajectory, draw, _other_email)


def invented_date(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A date that nobody said; or one for a "tomorrow" of the user's, without a clock."""
    kinds = [_date_for_relative, _another_date]
    draw.shuffle(kinds)
    return kinds[0](trajectory, draw) or kinds[1](trajectory, draw)


def invented(key: str, value: Any, draw: Draw) -> Any:
    """A value like *value* by whichever of the kinds it is; None when it is none of them."""
    for invent in (_other_email, _shifted_date, _other_id, _other_name, _other_amount):
        new = invent(key, value, draw)
        if new is not None:
            return new
    return None


def _ungrounded(trajectory: Trajectory, draw: Draw, invent: Invent) -> Edit | None:
    known = everything_in(trajectory)
    places = list(_places(trajectory)) * _TRIES  # a value may happen to be known
    draw.shuffle(places)
    for site, path, value in places:
        new = invent(key_of(path), value, draw)
        if new is not None and str(new).lower() not in known and _fits(site, path, new):
            return _edit(trajectory, site, path, new)
    return None


def _places(trajectory: Trajectory) -> Iterator[tuple[Site, Path, Any]]:
    """Every value of an argument that somebody must have given."""
    for site in sites(trajectory):
        parameters = {} if site.function is None else site.function.parameters
        for path, value in leaves(site.arguments):
            if not _CHOSEN & schema_at(parameters, path).keys():
                yield site, path, value


def _fits(site: Site, path: Path, new: Any) -> bool:
    """Whether the function takes *new* at *path*, so that its origin is all that is wrong."""
    if site.function is None:
        return True
    return argument_problem(site.function, replaced(site.arguments, path, new)) is None


def _edit(trajectory: Trajectory, site: Site, path: Path, new: Any) -> Edit:
    arguments = replaced(site.arguments, path, new)
    was = next(value for at, value in leaves(site.arguments) if at == path)
    place = ".".join(map(str, path))
    return Edit(
        messages=with_arguments(trajectory.messages, site, arguments),
        turns=(site.turn,),
        changed=f"{site.call.name}.{place}: {new!r} in the place of {was!r}",
    )


def _other_id(key: str, value: Any, draw: Draw) -> str | None:
    """The same shape with other digits and capitals: HAT136, ZFA04Y, mia_li_3668."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or _DATE.fullmatch(value):
        return None
    if not _ID_KEY.search(key) and sum(letter.isdecimal() for letter in value) < 2:
        return None
    return "".join(_other_sign(sign, draw) for sign in value)


def _other_sign(sign: str, draw: Draw) -> str:
    if sign.isdecimal():
        return str(draw.randint(0, 9))
    if sign.isupper() and sign.isascii():
        return draw.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
    return sign


def _other_amount(key: str, value: Any, draw: Draw) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not (_AMOUNT_KEY.search(key) or value >= 100) or abs(value) < 10:
        return None
    changed = value * (1.15 + draw.random() * 0.7)
    return round(changed, 2) if isinstance(value, float) else int(changed) + 1


def _other_name(key: str, value: Any, draw: Draw) -> str | None:
    if not isinstance(value, str) or not _NAME_KEY.search(key) or not _NAME.fullmatch(value):
        return None
    first, last = draw.choice(NAMES)
    if " " in value:
        return f"{first} {last}"
    return last if key.startswith("last") else first


def _other_email(key: str, value: Any, draw: Draw) -> str | None:
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        return None
    first, last = draw.choice(NAMES)
    return f"{first}.{last}@{draw.choice(_DOMAINS)}".lower()


def _shifted_date(key: str, value: Any, draw: Draw) -> str | None:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year = int(found[1]) + (draw.random() < 0.15)
    return f"{year:04}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}{found[4] or ''}"


def _another_date(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """A date in a call becomes one that is nowhere, however one writes it."""
    known = everything_in(trajectory)
    places = list(_places(trajectory))
    draw.shuffle(places)
    for site, path, value in places:
        new = _shifted_date(key_of(path), value, draw)
        if new is None or not _fits(site, path, new):
            continue
        if not any(way in known for way in _ways_to_write(new)):
            return _edit(trajectory, site, path, new)
    return None


def _date_for_relative(trajectory: Trajectory, draw: Draw) -> Edit | None:
    """The user's date becomes "tomorrow", and the call keeps a date that nobody gave."""
    messages = trajectory.messages
    for site in sites(trajectory):
        if _CLOCK.search(before(messages, site.turn)):
            return None
        for _, value in leaves(site.arguments):
            if not isinstance(value, str) or not _DATE.fullmatch(value):
                continue
            edit = _told_relatively(trajectory, site, value, draw)
            if edit is not None:
                return edit
    return None


def _told_relatively(trajectory: Trajectory, site: Site, date: str, draw: Draw) -> Edit | None:
    written = re.compile(
        "|".join(rf"(?<!\w){re.escape(way)}(?:st|nd|rd|th)?(?!\w)" for way in _ways_to_write(date)),
        re.IGNORECASE,
    )
    messages = trajectory.messages
    told = [i for i, m in enumerate(messages[: site.turn]) if written.search(m.content)]
    if not told or any(messages[index].role != "user" for index in told):
        return None
    relative = draw.choice(_RELATIVE)
    for index in told:
        content = re.sub(
            rf"(?:\bon )?(?:{written.pattern})",
            relative,
            messages[index].content,
            flags=re.IGNORECASE,
        )
        messages = said(messages, index, content)
    return Edit(
        messages=messages,
        turns=(site.turn,),
        changed=f"the user says {relative!r} in the place of {date}, which the call keeps",
    )


def _ways_to_write(date: str) -> tuple[str, ...]:
    """How people and tools write *date*, lower case, longest first; days without ordinals."""
    year, month, day = date[:10].split("-")
    name = MONTHS[(int(month) - 1) % 12]
    number = str(int(day))
    return (
        f"{name} {number}, {year}",
        f"{name} {number}th, {year}",
        f"{number} {name} {year}",
        f"{year}-{month}-{day}",
        f"{name} {number}",
        f"{number} {name}",
        f"{name[:3]} {number}",
        f"{int(month)}/{number}",
    )
