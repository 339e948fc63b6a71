"""Files of answers: the same rows in every format, and no file where the work was broken off."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from modelwright import data
from modelwright.data.writing import writer
from modelwright.nouns import Refused

FRAMES = [pl.DataFrame({"row": [n, n + 1], "answer": ['say "hi", you\nthere', "很好"], "p": [0.25, None]}) for n in (0, 2)]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.NDJSON", "a.parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    with writer(tmp_path / name) as write:
        for frame in FRAMES:
            write(frame)
        assert not (tmp_path / name).exists()
    rows = data.read(data.from_path(tmp_path / name))
    assert rows.columns.cast({"row": pl.Int64, "p": pl.Float64}).equals(pl.concat(FRAMES))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_broken_off_work_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(KeyError), writer(tmp_path / name) as write:
        write(FRAMES[0])
        raise KeyError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"old")]


def test_an_ending_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"\.parquet"), writer(tmp_path / "a.xlsx"):
        raise AssertionError("no work before")
