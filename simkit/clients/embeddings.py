"""What is asked of an embedding model, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from simkit.traces.calls import Answered, Client, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """Some texts to turn into vectors, by one call."""

    texts: tuple[str, ...]
    """At least one, none of them blank: providers refuse those."""
    scenario: int = 0
    """Waiting calls of lower ones go first; embedding comes before all conversations."""

    _wire: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def role(self) -> str:
        return "embedder"

    @property
    def wire(self) -> bytes:
        """The texts as a JSON array; encoded once."""
        encoded = self._wire
        if encoded is None:
            encoded = orjson.dumps(self.texts)
            object.__setattr__(self, "_wire", encoded)
        return encoded

    @property
    def input_characters(self) -> int:
        return len(self.wire)

    @property
    def max_output_tokens(self) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embeddings(Answered):
    """The vectors of a request's texts."""

    vectors: NDArray[np.float32]
    """Shape ``(texts, dims)``, rows in the order of the texts, of any length; finite."""
    counted: Usage

    @property
    def usage(self) -> Usage:
        return self.counted


EmbeddingClient: TypeAlias = Client[EmbeddingRequest, Embeddings]
"""One embedding model at one provider."""
