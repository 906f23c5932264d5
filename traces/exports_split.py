"""Which side of a split a conversation is on: train or test."""

from __future__ import annotations

import hashlib
from typing import Literal

Split = Literal["train", "test"]

_RANGE = 1 << 64


def split_of(chain: tuple[str, ...], test_share: float) -> Split:
    """The side of every conversation whose chain holds the functions of *chain*.

    Order and repetition do not count, nor does anything else about the run: a conversation
    stays on its side when the run grows, and what is tested at one share is at any larger one.

    Args:
        chain: Names of functions.
        test_share: Of all sets of functions, in (0, 1); the share of conversations comes near
            it where there are many sets.
    """
    names = "\x1f".join(sorted(set(chain)))
    drawn = int.from_bytes(hashlib.blake2b(names.encode(), digest_size=8).digest())
    return "test" if drawn < test_share * _RANGE else "train"


def check_share(test_share: float) -> None:
    """Refuse a share that leaves one side empty whatever the chains.

    Raises:
        ValueError: It is not between 0 and 1.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"the share of the test split is {test_share:g}; expected one in (0, 1)")
