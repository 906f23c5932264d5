"""Words as two texts are compared by: no case, no punctuation, no spelling of accents."""

from __future__ import annotations

import re
import unicodedata

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def plain_words(text: str) -> list[str]:
    """The words of *text* in order: runs of letters and digits, in one form (NFKC), folded.

    Where a script puts no spaces between words (Chinese, Japanese), each character is one.
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
