"""The collector of garbage around thousands of conversations."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from simkit.garbage import THRESHOLDS, rare_collections


@pytest.fixture
def _thawed() -> Iterator[None]:
    """Nothing frozen, as in a process of its own; the tests' own is afterwards as it was."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("_thawed")
def test_what_exists_is_left_alone_inside_and_all_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


@pytest.mark.usefixtures("_thawed")
def test_a_block_within_another_does_not_end_what_the_outer_one_does() -> None:
    with rare_collections():
        frozen = gc.get_freeze_count()
        with rare_collections():
            pass
        assert gc.get_freeze_count() == frozen
        assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() == 0
