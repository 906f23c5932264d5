"""Embedders: vectors that depend on the text only, and a cache that never gets in the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simkit.graph.embed import (
    CachedEmbedder,
    Embedder,
    EmbedderUnavailable,
    default_cache_path,
)
from simkit.graph.lexical import Lexical
from simkit.graph.minilm import MiniLM, checked_bytes, installed_file

TEXTS = [
    "Name of the city (string)",
    "City in which to look for hotels (string)",
    "Amount of money to be transferred from the first account to the second one (number)",
    "id",
    "",
    "Name of the city (string)",
]


class Counting:
    """An embedder that remembers what it was asked."""

    name = "counting-1"
    default_min_cosine = 0.5

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        rows = np.array([[len(text), 1, 0] for text in texts], np.float32).reshape(-1, 3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    try:
        return MiniLM()
    except EmbedderUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=["minilm", "lexical"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return request.getfixturevalue("minilm") if request.param == "minilm" else Lexical()


def test_rows_have_length_one_and_empty_texts_have_none(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)

    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths, [0 if text == "" else 1 for text in TEXTS], atol=1e-6)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert len(embedder.embed([])) == 0


def test_the_same_text_has_the_same_bytes_in_any_batch(embedder: Embedder) -> None:
    """
    Chains are drawn from the scores, so a vector must not depend on its neighbours.
    """
    many = embedder.embed([f"{text} {'and so on ' * (n % 9)}" for n in range(9) for text in TEXTS])
    together = embedder.embed(TEXTS * 9)
    for row, text in enumerate(TEXTS):
        alone = embedder.embed([text])[0]
        assert alone.tobytes() == together[row].tobytes() == together[row + 12].tobytes()
    again = embedder.embed([f"{TEXTS[1]} {'and so on ' * 5}"])[0]
    assert again.tobytes() == many[5 * len(TEXTS) + 1].tobytes()


def test_related_texts_are_nearer_than_unrelated_ones(embedder: Embedder) -> None:
    city, place, money, *_ = embedder.embed(TEXTS)
    assert city @ place > city @ money + 0.1


def test_lexical_joins_singular_and_plural_and_words_run_together() -> None:
    vectors = Lexical().embed(["order ids", "orderId", "shipping address"])
    assert vectors[0] @ vectors[1] > 0.8 > 0.2 > vectors[0] @ vectors[2]


def test_weights_that_are_not_the_known_ones_are_refused_by_name_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"something else")
    with pytest.raises(EmbedderUnavailable, match=r"model\.onnx.*SHA-256.*expected 00ff"):
        checked_bytes(path, "00ff")


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(EmbedderUnavailable, match=r"simkit\[embed\].*--embedder lexical"):
        installed_file("no_such_package_at_all", "model.onnx")


def test_a_cached_text_is_never_embedded_again(tmp_path: Path) -> None:
    """
    Also not by another process, which is what a second cache on the same file stands for.
    """
    inner = Counting()
    first = CachedEmbedder(inner, tmp_path / "deep" / "cache.db").embed(["a", "bb", "a"])
    assert inner.asked == ["a", "bb"]

    fresh = Counting()
    second = CachedEmbedder(fresh, tmp_path / "deep" / "cache.db").embed(["bb", "ccc", "a"])
    assert fresh.asked == ["ccc"]
    assert np.array_equal(second[[2, 0, 2]], first)


def test_several_users_of_one_file_do_not_get_in_each_others_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"text {number}" for number in range(2_500)]
    expected = Counting().embed(texts)

    def embed(_: int) -> NDArray[np.float32]:
        return CachedEmbedder(Counting(), tmp_path / "cache.db").embed(texts)

    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embed, range(8)):
            assert np.array_equal(vectors, expected)
    assert capsys.readouterr().out == ""


def test_two_embedders_do_not_share_vectors(tmp_path: Path) -> None:
    class Other(Counting):
        name = "counting-2"

    CachedEmbedder(Counting(), tmp_path / "cache.db").embed(["a"])
    other = Other()
    CachedEmbedder(other, tmp_path / "cache.db").embed(["a"])
    assert other.asked == ["a"]


def test_a_cache_speaks_for_its_embedder(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path / "cache.db")
    assert (cached.name, cached.default_min_cosine) == ("counting-1", 0.5)
    assert cached.embed([]).shape == (0, 3)


def test_progress_counts_texts_that_were_cached_as_done(tmp_path: Path) -> None:
    CachedEmbedder(Counting(), tmp_path / "cache.db").embed(["known"])
    heard: list[tuple[int, int]] = []
    cached = CachedEmbedder(
        Counting(), tmp_path / "cache.db", on_progress=lambda *counts: heard.append(counts)
    )
    cached.embed(["known", *(f"text {number}" for number in range(1_500))])
    assert heard == [(1_001, 1_501), (1_501, 1_501)]


def test_a_damaged_cache_is_set_aside_and_rebuilt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    inner = Counting()

    vectors = CachedEmbedder(inner, path).embed(["a"])

    assert vectors.shape == (1, 3)
    assert path.with_name("cache.db.damaged").read_bytes().startswith(b"this is not")
    assert "embedding_cache_damaged" in capsys.readouterr().out
    CachedEmbedder(inner, path).embed(["a"])
    assert inner.asked == ["a"]


def test_a_vector_that_was_altered_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    CachedEmbedder(Counting(), path).embed(["a"])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE vectors SET vector = x'0000803f0000803f'")
    connection.close()
    inner = Counting()
    assert CachedEmbedder(inner, path).embed(["a"]).shape == (1, 3)
    assert inner.asked == ["a"]


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    vectors = CachedEmbedder(Counting(), tmp_path / "file" / "cache.db").embed(["a"])
    assert vectors.shape == (1, 3)
    assert "embedding_cache_unusable" in capsys.readouterr().out


def test_the_cache_lives_where_the_desktop_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache_path() == Path("/somewhere/simkit/embeddings.db")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_path() == Path.home() / ".cache" / "simkit" / "embeddings.db"


def test_blank_texts_are_zeros_and_are_not_embedded(tmp_path: Path) -> None:
    inner = Counting()
    vectors = CachedEmbedder(inner, tmp_path / "cache.db").embed(["", "a", " \n", "a"])
    assert inner.asked == ["a"]
    assert vectors.shape == (4, 3)
    assert not vectors[[0, 2]].any()
    assert np.array_equal(vectors[1], vectors[3])


def test_an_interruption_loses_no_more_than_a_chunk(tmp_path: Path) -> None:
    class Failing(Counting):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if "text 25" in texts:
                raise KeyboardInterrupt
            return super().embed(texts)

    texts = [f"text {number}" for number in range(40)]
    with pytest.raises(KeyboardInterrupt):
        CachedEmbedder(Failing(), tmp_path / "cache.db", chunk=10).embed(texts)
    inner = Counting()
    CachedEmbedder(inner, tmp_path / "cache.db", chunk=10).embed(texts)
    assert inner.asked == texts[20:]


def test_another_model_behind_the_same_name_is_found_out(tmp_path: Path) -> None:
    """
    A server may be given another model under the same name; its vectors mean something else.
    """

    class Wider(Counting):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.eye(len(texts), 5, dtype=np.float32)

    path = tmp_path / "cache.db"
    CachedEmbedder(Counting(), path).embed(["a"])
    with pytest.raises(EmbedderUnavailable, match=r"counting-1 .* 5 numbers.*cache\.db, have 3"):
        CachedEmbedder(Wider(), path).embed(["a", "b"])
    assert CachedEmbedder(Counting(), path).embed(["a", "b"]).shape == (2, 3)
