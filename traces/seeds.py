"""Random streams that depend on what they are for, never on what happened before."""

from __future__ import annotations

import hashlib
import random


def derive_seed(seed: int, *path: str | int) -> int:
    """A seed for the thing that *path* names, in ``[0, 2**63)``.

    The same seed and path always give the same result; different paths give unrelated
    ones. So the randomness of scenario 7 does not depend on scenarios 0 to 6.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (seed, *path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def stream(seed: int, *path: str | int) -> random.Random:
    """The random stream of the thing that *path* names; see `derive_seed`."""
    return random.Random(derive_seed(seed, *path))
