"""Small word lists for plausible values; invented people and places of no consequence."""

from __future__ import annotations

import random
import re


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


FIRST_NAMES = _listed(
    "Ada Bruno Carla Dmitri Elif Farid Greta Hiro Ines Jonas Keiko Liam Mira Nadia Oskar Priya "
    "Rosa Samir Tessa Viktor Wanda Yusuf"
)
LAST_NAMES = _listed(
    "Almeida Berg Castillo Dubois Eriksen Farah Goldberg Haas Ito Jansen Kowalski Lindqvist "
    "Moreau Novak Okafor Petrov Quinn Rossi Schmidt Tanaka Varga Weber"
)
CITIES = _listed(
    "Oslo Lisbon Vienna Toronto Nairobi Kyoto Lima Dublin Prague Hanoi Chicago Marseille Gdansk "
    "Porto Seville Antwerp Leipzig Turin Malmo Auckland"
)
COUNTRIES = _listed(
    "Norway Portugal Austria Canada Kenya Japan Peru Ireland Vietnam France Poland Spain"
)
COUNTRY_CODES = _listed("NO PT AT CA KE JP PE IE VN FR PL ES")
CURRENCIES = _listed("EUR USD GBP JPY CHF NOK CAD SEK")
LANGUAGES = _listed("English Portuguese German Japanese French Spanish Polish Turkish")
LANGUAGE_CODES = _listed("en pt de ja fr es pl tr")
TIME_ZONES = _listed(
    "Europe/Oslo Europe/Lisbon America/Toronto Asia/Tokyo Africa/Nairobi Pacific/Auckland"
)
AIRPORTS = _listed("OSL LIS VIE YYZ NBO KIX LIM DUB PRG HAN")
STREETS = ("Harbour Street", "Mill Lane", "Station Road", "Linden Avenue", "Market Square")
COMPANIES = ("Northwind Foods", "Bluebird Travel", "Cedar & Sons", "Helio Systems", "Aster Labs")
JOBS = ("warehouse manager", "nurse", "data analyst", "teacher", "electrician", "architect")
COLOURS = _listed("red blue green amber violet grey white black")
WEEKDAYS = _listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
STATUSES = _listed("open pending confirmed active completed")
TICKERS = _listed("HLIO NWND CEDR BLUB ASTR")
ADJECTIVES = _listed("quiet bright northern classic compact early silver modern simple wild")
NOUNS = _listed("harbour garden lantern river summit meadow bridge orchard signal compass")
TOPICS = (
    "renewable energy",
    "city cycling",
    "home baking",
    "jazz history",
    "machine learning",
    "winter hiking",
    "ocean wildlife",
    "small gardens",
)
SENTENCES = (
    "Please check this before the end of the week.",
    "The delivery arrived later than planned.",
    "Everything works after the last update.",
    "We agreed on the cheaper of the two options.",
    "A second look would be welcome.",
    "The client asked for a short summary.",
    "It should be ready in the morning.",
    "No further changes are needed.",
)
HEX_DIGITS = "0123456789abcdef"
YEAR = 2026
"""The year of every date: values must not depend on when they are made."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOT_PLURAL = _listed("address status class business is this has alias bus gas sms us")


def words_of(name: str) -> list[str]:
    """The words of an identifier or a text in lower case: ``orderIDs`` is order, id."""
    return [singular(word.lower()) for word in _WORD.findall(name.replace("IDs", "Ids"))]


def singular(word: str) -> str:
    """*word* without its plural ending, as far as spelling tells."""
    if len(word) < 3 or word in _NOT_PLURAL or word.endswith("ss") or not word.endswith("s"):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


def digits(count: int, draw: random.Random) -> str:
    """A number of *count* digits that does not begin with 0."""
    return str(draw.randrange(10 ** (count - 1), 10**count))


def person(draw: random.Random) -> str:
    """First and last name."""
    return f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
