"""Which language a text is in, as far as its letters and its small words tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from simkit.filters.phrases import Phrase

_SCRIPTS: dict[str, str] = {
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Armenian": "\u0530-\u058f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Gujarati": "\u0a80-\u0aff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Kannada": "\u0c80-\u0cff",
    "Malayalam": "\u0d00-\u0d7f",
    "Thai": "\u0e00-\u0e7f",
    "Georgian": "\u10a0-\u10ff",
    "Kana": "\u3041-\u30ff",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff",
    "Hangul": "\u1100-\u11ff\uac00-\ud7af",
}
_LETTERS = {script: re.compile(f"[{letters}]") for script, letters in _SCRIPTS.items()}
_ASCII = re.compile(r"[\x00-\x7f]+")
_ASCII_WITHOUT_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())
_WORTH = {"Kana": 3, "Han": 3, "Hangul": 3}
"""What a character of these scripts tells, in letters of others."""

_NAMED = {
    "English": "english|inglés|anglais|englisch|inglês|inglese|英文|英语|англий",
    "Spanish": "spanish|español|catalan|latin\\b",
    "French": "french|français",
    "German": "german|deutsch",
    "Portuguese": "portuguese|português",
    "Italian": "italian|latin\\b",
    "Dutch": "dutch|flemish|afrikaans",
    "Polish": "polish|czech|slovak",
    "Turkish": "turkish|azerbaijani",
    "Indonesian": "indonesian|malay",
    "Greek": "greek",
    "Cyrillic": "russian|ukrainian|bulgarian|serbian|macedonian|русск",
    "Armenian": "armenian",
    "Hebrew": "hebrew",
    "Arabic": "arabic|farsi|persian|urdu",
    "Devanagari": "hindi|marathi|nepali",
    "Bengali": "bengali",
    "Gurmukhi": "punjabi",
    "Gujarati": "gujarati",
    "Tamil": "tamil",
    "Telugu": "telugu",
    "Kannada": "kannada",
    "Malayalam": "malayalam",
    "Thai": "thai",
    "Georgian": "georgian",
    "Kana": "japanese|日本語",
    "Han": "chinese|mandarin|cantonese|japanese|中文|日本語",
    "Hangul": "korean|한국어",
}
_NAMES = {
    language: re.compile(rf"(?<![A-Za-z])(?:{names})", re.IGNORECASE)
    for language, names in _NAMED.items()
}


def _any_name(names: Iterable[str]) -> Phrase:
    return Phrase(rf"(?<![A-Za-z])(?:{'|'.join(names)})")


_ANY_NAME = _any_name(_NAMED.values())
_ANY_NAME_IN_ASCII = _any_name(filter(str.isascii, "|".join(_NAMED.values()).split("|")))

ENOUGH = 40
"""Letters below which nothing is said about a text."""

_SMALL_WORDS: dict[str, str] = {
    "English": "the and of to is you for that it with are this have your be was not can please "
    "would what i my me from they at will which has do if or by how any need could",
    "Spanish": "el la los las de que y en es por para con una su se lo como más pero está esta "
    "usted gracias quiero mi hay tiene puede del",
    "French": "le la les des et est vous je pour que dans une sur avec votre ce pas qui il nous au "
    "sont être cette plus mon du merci êtes de votre j ai en",
    "German": "der die das und ist sie ich nicht ein eine zu den mit für auf wir es von dem im "
    "bitte ihr ihre ihrer habe haben wird auch kann sind noch",
    "Portuguese": "o os as de que e em um uma para com não você por seu sua é mais como do da no "
    "na está obrigado meu são foi pode ao",
    "Italian": "il lo gli di che e è per un una con non sono della del nel alla più questo anche "
    "come ho si grazie mi le suo ha può",
    "Dutch": "de het een en van ik je is niet dat op te voor met zijn u uw aan er maar om kan wij "
    "heeft wordt deze bij ook naar mijn",
    "Polish": "i w na z się nie jest do że to dla jak czy o proszę są po od przez pan mam może "
    "oraz ale które być jego dziękuję",
    "Turkish": "ve bir bu için ile de da ne çok mi size var değil olarak daha sonra lütfen "
    "olan gibi en ben siz kadar ama teşekkürler misiniz",
    "Indonesian": "yang dan di untuk dengan ini itu anda saya tidak dari pada ke akan adalah ada "
    "bisa dapat apakah telah atau juga sudah dalam kami",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _SMALL_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)
_WORD = re.compile(r"[^\W\d_]+")


def letters_by_script(text: str) -> Counter[str]:
    """Script to what its letters in *text* are worth; those of Han, Kana and Hangul are worth 3."""
    if text.isascii():
        return Counter(Latin=_ascii_letters(text))
    others = _ASCII.sub("", text)
    found = {
        script: len(letters.findall(others)) * _WORTH.get(script, 1)
        for script, letters in _LETTERS.items()
    }
    found["Latin"] += _ascii_letters(text)
    return Counter({script: worth for script, worth in found.items() if worth})


def _ascii_letters(text: str) -> int:
    return len(text.encode("ascii", "ignore").translate(None, _ASCII_WITHOUT_LETTERS))


def languages_named(text: str) -> set[str]:
    """The languages, and scripts by their names here, that *text* speaks of in any language."""
    any_name = _ANY_NAME_IN_ASCII if text.isascii() else _ANY_NAME
    if not any_name.search(text):
        return set()
    return {language for language, names in _NAMES.items() if names.search(text)}


def latin_language(text: str, *, share: float = 1 / 6, different: int = 4) -> str | None:
    """One of the ten languages, where the small words of *text* tell it.

    They must be *share* of its words and *different* ones or more, and twice as many as
    those of any other language. Words that several languages have count for each.
    """
    words = _folded_words(text)
    small = _small(words)
    if not small or len(small) < different:
        return None
    counts = Counter[str]()
    for word, times in small.items():
        for language in _LANGUAGES_OF[word]:
            counts[language] += times
    best = max(counts, key=counts.__getitem__)
    most = counts.pop(best)
    found = sum(best in _LANGUAGES_OF[word] for word in small)
    second = max(counts.values(), default=0)
    is_told = most >= max(share * len(words), 2 * second) and found >= different
    return best if is_told else None


def latin_languages_in(text: str, *, different: int = 4) -> set[str]:
    """The languages of which *different* small words or more stand in *text*.

    With the same *different*, `latin_language` tells no other of any part of it.
    """
    counts = Counter(
        language for word in _small(_folded_words(text)) for language in _LANGUAGES_OF[word]
    )
    return {language for language, found in counts.items() if found >= different}


def _folded_words(text: str) -> list[str]:
    return list(map(str.casefold, _WORD.findall(text)))


def _small(words: Iterable[str]) -> Counter[str]:
    return Counter(word for word in words if word in _LANGUAGES_OF)
