"""Plausible text for a field, guided by the words of its name."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from simkit.standin import words
from simkit.standin.words import words_of

_Writer = Callable[[list[str], random.Random], str]


def text_for(name: str, description: str, draw: random.Random) -> str:
    """Text such as the field *name* would hold; the description decides where the name is mute."""
    named = words_of(name)
    writer = _spelled_out(description) or _first_match(named, _BY_NAME)
    if writer is None:
        writer = _first_match(words_of(description[:200]), _BY_DESCRIPTION) or _phrase
    return writer(named, draw)


def formatted_text(kind: str, draw: random.Random) -> str | None:
    """Text in the JSON Schema format *kind*; None for a format that is not known here."""
    writer = _BY_FORMAT.get(kind.lower())
    return writer([], draw) if writer else None


def _spelled_out(description: str) -> _Writer | None:
    text = description.upper()
    return next((writer for layout, writer in _BY_LAYOUT if layout in text), None)


def _first_match(
    named: list[str], rules: tuple[tuple[frozenset[str], _Writer], ...]
) -> _Writer | None:
    for triggers, writer in rules:
        if not triggers.isdisjoint(named):
            return writer
    return None


def _one_of(choices: tuple[str, ...]) -> _Writer:
    return lambda named, draw: draw.choice(choices)


def _email(named: list[str], draw: random.Random) -> str:
    first, last = draw.choice(words.FIRST_NAMES), draw.choice(words.LAST_NAMES)
    return f"{first}.{last}@example.com".lower()


def _url(named: list[str], draw: random.Random) -> str:
    place = f"{draw.choice(words.ADJECTIVES)}-{draw.choice(words.NOUNS)}"
    return f"https://example.com/{place}/{words.digits(4, draw)}"


def _host(named: list[str], draw: random.Random) -> str:
    return f"{draw.choice(words.NOUNS)}.example.com"


def _ipv4(named: list[str], draw: random.Random) -> str:
    return f"192.0.2.{draw.randint(1, 254)}"  # addresses reserved for documentation


def _ipv6(named: list[str], draw: random.Random) -> str:
    return f"2001:db8::{draw.randint(1, 0xFFFF):x}"


def _uuid(named: list[str], draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _hash(named: list[str], draw: random.Random) -> str:
    return "".join(draw.choices(words.HEX_DIGITS, k=40))


def _phone(named: list[str], draw: random.Random) -> str:
    return f"+1555{words.digits(7, draw)}"


def _date(named: list[str], draw: random.Random) -> str:
    return f"{words.YEAR}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"


def _clock(named: list[str], draw: random.Random) -> str:
    return f"{draw.randint(7, 20):02}:{draw.choice((0, 15, 30, 45)):02}"


def _time(named: list[str], draw: random.Random) -> str:
    return f"{_clock(named, draw)}:00Z"


def _moment(named: list[str], draw: random.Random) -> str:
    return f"{_date(named, draw)}T{_time(named, draw)}"


def _duration(named: list[str], draw: random.Random) -> str:
    return f"PT{draw.choice((15, 30, 45, 60, 90))}M"


def _month(named: list[str], draw: random.Random) -> str:
    return f"{words.YEAR}-{draw.randint(1, 12):02}"


def _year(named: list[str], draw: random.Random) -> str:
    return str(words.YEAR)


def _identifier(named: list[str], draw: random.Random) -> str:
    owners = [word for word in named if word not in _ID_WORDS and word.isalpha()]
    prefix = owners[-1][:3] if owners else "ref"
    return f"{prefix.upper()}-{words.digits(5, draw)}"


def _code(named: list[str], draw: random.Random) -> str:
    letters = "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=2))
    return letters + words.digits(6, draw)


def _flight(named: list[str], draw: random.Random) -> str:
    return "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=2)) + words.digits(3, draw)


def _postal(named: list[str], draw: random.Random) -> str:
    return words.digits(5, draw)


def _address(named: list[str], draw: random.Random) -> str:
    street, city = draw.choice(words.STREETS), draw.choice(words.CITIES)
    return f"{draw.randint(1, 120)} {street}, {city}"


def _coordinate(named: list[str], draw: random.Random) -> str:
    return f"{draw.uniform(-60, 60):.4f}"


def _country(named: list[str], draw: random.Random) -> str:
    return draw.choice(words.COUNTRY_CODES if "code" in named else words.COUNTRIES)


def _language(named: list[str], draw: random.Random) -> str:
    return draw.choice(words.LANGUAGE_CODES if "code" in named else words.LANGUAGES)


def _person(named: list[str], draw: random.Random) -> str:
    if "name" in named and "first" in named:
        return draw.choice(words.FIRST_NAMES)
    if "name" in named and "last" in named:
        return draw.choice(words.LAST_NAMES)
    return words.person(draw)


def _name(named: list[str], draw: random.Random) -> str:
    if "first" in named or "last" in named:
        return _person(named, draw)
    return f"{draw.choice(words.ADJECTIVES)} {draw.choice(words.NOUNS)}".title()


def _slug(named: list[str], draw: random.Random) -> str:
    return f"{draw.choice(words.ADJECTIVES)}-{draw.choice(words.NOUNS)}"


def _file(named: list[str], draw: random.Random) -> str:
    return f"documents/{_slug(named, draw)}.txt"


def _version(named: list[str], draw: random.Random) -> str:
    return f"{draw.randint(1, 5)}.{draw.randint(0, 9)}.{draw.randint(0, 9)}"


def _amount(named: list[str], draw: random.Random) -> str:
    return f"{draw.uniform(5, 400):.2f}"


def _phrase(named: list[str], draw: random.Random) -> str:
    subject = " ".join(named[-2:]) or draw.choice(words.NOUNS)
    return f"{draw.choice(words.ADJECTIVES)} {subject}"


def _rule(triggers: str, writer: _Writer) -> tuple[frozenset[str], _Writer]:
    return frozenset(triggers.split()), writer


_ID_WORDS = ("id", "identifier", "key", "ref", "reference", "uid")

# The first rule with a word of the name wins, so the surest words come first.
_BY_NAME = (
    _rule("email mail", _email),
    _rule("url uri link website webpage href homepage", _url),
    _rule("uuid guid", _uuid),
    _rule("sha hash checksum digest token secret", _hash),
    _rule("id identifier uid", _identifier),
    _rule("phone telephone mobile fax", _phone),
    _rule("ip", _ipv4),
    _rule("host hostname domain", _host),
    _rule("timezone zone", _one_of(words.TIME_ZONES)),
    _rule("currency", _one_of(words.CURRENCIES)),
    _rule("locale", _one_of(words.LANGUAGE_CODES)),
    _rule("language lang", _language),
    _rule("weekday", _one_of(words.WEEKDAYS)),
    _rule("date birthday birthdate deadline dob since", _date),
    _rule("datetime timestamp at", _moment),
    _rule("time", _moment),
    _rule("duration", _duration),
    _rule("month", _month),
    _rule("year", _year),
    _rule("day", _one_of(words.WEEKDAYS)),
    _rule("flight", _flight),
    _rule("airport iata", _one_of(words.AIRPORTS)),
    _rule("zip zipcode postal postcode", _postal),
    _rule("address street", _address),
    _rule("latitude longitude lat lon lng coordinate", _coordinate),
    _rule("country nation nationality", _country),
    _rule("city town origin destination location place region area", _one_of(words.CITIES)),
    _rule("ticker stock symbol", _one_of(words.TICKERS)),
    _rule("sku barcode tracking iban code reference ref serial", _code),
    _rule("number account", _code),
    _rule(
        "company organization organisation employer merchant brand carrier airline",
        _one_of(words.COMPANIES),
    ),
    _rule("job occupation profession position", _one_of(words.JOBS)),
    _rule("colour color", _one_of(words.COLOURS)),
    _rule("status state", _one_of(words.STATUSES)),
    _rule("username login handle slug repository repo branch tag label", _slug),
    _rule("file filename path folder directory", _file),
    _rule("version", _version),
    _rule(
        "text description message note comment content body reason summary feedback review "
        "instruction explanation detail prompt advice",
        _one_of(words.SENTENCES),
    ),
    _rule("query keyword topic search subject interest term question", _one_of(words.TOPICS)),
    _rule("price amount cost fee total balance salary", _amount),
    _rule(
        "person customer user author employee manager patient doctor guest artist owner sender "
        "recipient contact attendee passenger director payee candidate player actor",
        _person,
    ),
    _rule("firstname", _one_of(words.FIRST_NAMES)),
    _rule("lastname surname", _one_of(words.LAST_NAMES)),
    _rule("fullname", _person),
    _rule("name title", _name),
)

_BY_DESCRIPTION = (
    _rule("email", _email),
    _rule("url", _url),
    _rule("timezone", _one_of(words.TIME_ZONES)),
    _rule("currency", _one_of(words.CURRENCIES)),
    _rule("identifier", _identifier),
    _rule("date yyyy", _date),
    _rule("address", _address),
    _rule("country", _one_of(words.COUNTRIES)),
    _rule("city town", _one_of(words.CITIES)),
    _rule("language", _one_of(words.LANGUAGES)),
    _rule("person", _person),
)

_BY_LAYOUT: tuple[tuple[str, _Writer], ...] = (
    ("YYYY-MM-DDT", _moment),
    ("YYYY-MM-DD HH", lambda named, draw: f"{_date(named, draw)} {_clock(named, draw)}"),
    ("YYYY-MM-DD", _date),
    ("YYYY-MM", _month),
    ("HH:MM", _clock),
)

_BY_FORMAT: dict[str, _Writer] = {
    "date": _date,
    "time": _time,
    "date-time": _moment,
    "datetime": _moment,
    "duration": _duration,
    "email": _email,
    "uri": _url,
    "url": _url,
    "uri-reference": _url,
    "iri": _url,
    "hostname": _host,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "uuid": _uuid,
}
