"""Texts to vectors by their words alone: no model, no download, nothing beyond numpy."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simkit.graph.parameters import name_words

_DIMS = 1024
_TRIGRAM_WEIGHT = 0.4
"""Of all trigrams of a word together, to the word's own 1: enough to bring word forms together."""
_STOP_LIST = """
    a an and any are as at be been being by can could do does e each either etc eg false for from g
    given has have how i if in into is it its may must not of on one only or our should so some
    specific specified such than that the their them then there these this those to true use used
    using was we were what when where whether which who will with would you your
    array boolean default format integer null object optional parameter required string type value
"""
_STOP_WORDS = frozenset(_STOP_LIST.split())


class Lexical:
    """Words and parts of words, hashed into 1,024 signed dimensions (arXiv 0902.2206).

    Repeated words count by the logarithm of their number. Stateless: a vector depends on
    its text only. It finds the same wording, not the same meaning; about 20,000 texts a
    second on one core.
    """

    name = "lexical-1"
    default_min_cosine = 0.65

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text; see `Embedder`. A text of stop words only gives a row of zeros."""
        vectors = np.zeros((len(texts), _DIMS), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word, count in _words(text).items():
                dimensions, weights = _features(word)
                np.add.at(row, dimensions, weights * np.float32(1 + math.log(count)))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, 1)
        return vectors


def _words(text: str) -> Counter[str]:
    words = (word for word in name_words(text).split() if word not in _STOP_WORDS)
    return Counter(one for one in map(_singular, words) if one not in _STOP_WORDS)


def _singular(word: str) -> str:
    is_plural = len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word.removesuffix("s") if is_plural else word


@lru_cache(maxsize=100_000)
def _features(word: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Dimensions and signed weights of a word and its trigrams."""
    padded = f"<{word}>"
    trigrams = [padded[start : start + 3] for start in range(len(padded) - 2)]
    share = _TRIGRAM_WEIGHT / math.sqrt(len(trigrams))
    features = [(f"word {word}", 1.0), *((f"part {part}", share) for part in trigrams)]
    hashes = [zlib.crc32(feature.encode("utf-8", "replace")) for feature, _ in features]
    dimensions = np.array([(code >> 1) % _DIMS for code in hashes], np.intp)
    signs = np.array([1 - 2 * (code & 1) for code in hashes], np.float32)
    return dimensions, signs * np.array([weight for _, weight in features], np.float32)
