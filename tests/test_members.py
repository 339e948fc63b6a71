"""Which rows are in which part: kept in few bytes, read back as they were, those of format 1 too."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import save

from modelwright.shelf.members import members, rows_of

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60).map(lambda ids: np.array(ids, np.int64))
RISING = st.lists(st.integers(0, 2**62), max_size=60, unique=True).map(lambda ids: np.array(sorted(ids), np.int64))


@given(st.dictionaries(st.sampled_from(["train", "validation", "test"]), IDS | RISING))
@example({"train": np.array([2**63 - 1, -(2**63)], np.int64)})
@example({"test": np.array([0], np.int64)})
@example({"test": np.array([2**63 - 1], np.int64)})
@example({"test": np.array([], np.int64)})
def test_ids_come_back(rows):
    found = rows_of(members(rows))
    assert found.keys() == rows.keys()
    assert all(found[part].dtype == np.int64 and np.array_equal(found[part], ids) for part, ids in rows.items())


@pytest.mark.parametrize(
    ("ids", "each"), [(np.arange(50_000), 1), (np.arange(0, 50_000 * 300, 300), 2), (np.arange(0, 1000, 7), 1)]
)
def test_ids_that_rise_take_the_bytes_of_their_steps(ids, each):
    rng = np.random.default_rng(0)
    test = np.sort(rng.permutation(ids)[: len(ids) // 10])
    assert len(members({"train": ids})) <= each * len(ids) + 100
    assert len(members({"train": np.setdiff1d(ids, test), "test": test})) <= (2 if each == 2 else 1) * len(ids) + 300


def test_ids_of_format_1_are_read_as_they_are():
    ids = np.array([3, 4, 9], np.int64)
    assert np.array_equal(rows_of(save({"test": ids}))["test"], ids)


def test_a_content_that_is_none_is_a_value_error():
    with pytest.raises(ValueError, match=r"rows\.safetensors"):
        rows_of(b"not at all")
