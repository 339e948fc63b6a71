"""A CSV of a million mixed rows, read, checked and encoded: pandas with scikit-learn's ColumnTransformer beside modelwright.

    python benchmarks/csv_million.py PEER_PYTHON [ROWS [RUNS]]

PEER_PYTHON is a Python that has pandas and scikit-learn. Each run is a process of its own; the two take turns; medians are
printed. Seconds are wall time from before the file is opened until tensors are there, imports left out, and cpu is the time of
all cores; peak is the most MB that the process ever held, imports in, above what came on top of them. Both learn on 70 %.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PEER = """
import sys, time, resource
import numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, LabelEncoder
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start, cpu = peak(), time.perf_counter(), time.process_time()
frame = pd.read_csv(sys.argv[1])
read = time.perf_counter() - start
duplicates = int(frame.duplicated().sum()); missing = frame.isna().sum()
checked = time.perf_counter() - start
label, frame = frame.pop("label"), frame
numbers = list(frame.select_dtypes("number")); others = [c for c in frame if c not in numbers]
made = ColumnTransformer([
    ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    ("others", make_pipeline(SimpleImputer(strategy="most_frequent"),
                             OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)), others)])
train, rest, y_train, y_rest = train_test_split(frame, label, test_size=0.3, random_state=0, stratify=label)
names = LabelEncoder().fit(y_train)
parts = [made.fit_transform(train).astype(np.float32), made.transform(rest).astype(np.float32)]
labels = [names.transform(y_train), names.transform(y_rest)]
import json
print(json.dumps(dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu,
    read=read, checked=checked - read, peak=peak(), above=peak() - before,
    shape=[sum(map(len, parts)), parts[0].shape[1]], duplicates=duplicates)))
"""
OURS = """
import sys, time, resource
from pathlib import Path
import numpy, polars, torch
from modelwright import data
from modelwright.data import checking, feed, parting, reading
from modelwright.data.codecs import Columns, learning
from modelwright.data.sources import CSV, delimited
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start, cpu = peak(), time.perf_counter(), time.process_time()
source, codec = CSV(Path(sys.argv[1])), Columns(label="label", missing="median")
rows = data.read(source)
read = time.perf_counter() - start
parts = data.split(source.split, rows, "label", 0)
parted = time.perf_counter() - start
found = data.check(rows, parts, codec)
checked = time.perf_counter() - start
live = codec.fit(data.chunks(rows, parts["train"]))
fitted = time.perf_counter() - start
encoded = [data.encode_all(live, rows, parts[part]) for part in parts]
import json
shape = [sum(len(batch["row"]) for batch, _ in encoded), encoded[0][0]["inputs"].shape[1]]
print(json.dumps(dict(seconds=time.perf_counter() - start, cpu=time.process_time() - cpu, read=read, parted=parted - read,
    checked=checked - parted, fitted=fitted - checked, encoded=time.perf_counter() - start - fitted,
    peak=peak(), above=peak() - before, shape=shape, found=[(f.name, f.count) for f in found])))
"""


def write(path: Path, rows: int) -> None:
    """Ten columns: five of numbers, one of whole numbers with gaps, three of categories, and the label."""
    import numpy as np
    import polars as pl

    chance = np.random.default_rng(0)
    columns: dict[str, pl.Series] = {}
    for place in range(5):
        values = pl.Series(np.round(chance.normal(50, 12, rows), 3 + place))
        columns[f"number_{place}"] = values.to_frame("v").select(
            pl.when(pl.Series(chance.random(rows) < 0.02 * place)).then(None).otherwise("v").alias("v")
        )["v"]
    ages = pl.Series(chance.integers(18, 90, rows)).to_frame("v")
    columns["age"] = ages.select(pl.when(pl.Series(chance.random(rows) < 0.05)).then(None).otherwise("v").alias("v"))["v"]
    for name, amount in (("city", 50), ("job", 12), ("plan", 4)):
        names = pl.Series([f"{name} {place}" for place in range(amount)] + [None])
        columns[name] = names.gather(np.where(chance.random(rows) < 0.03, amount, chance.integers(0, amount, rows)))
    columns["label"] = pl.Series(["yes", "no"]).gather((chance.random(rows) < 0.3).astype(int))
    pl.DataFrame(columns).write_csv(path)


def measured(python: str, program: str, path: Path) -> dict[str, float]:
    done = subprocess.run([python, "-c", program, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(peer: str, rows: int = 1_000_000, runs: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.csv"
        write(path, rows)
        say(f"{rows:,} rows, {path.stat().st_size / 2**20:.0f} MB")
        results: dict[str, list[dict[str, float]]] = {"pandas": [], "modelwright": []}
        for _ in range(runs):
            results["pandas"].append(measured(peer, PEER, path))
            results["modelwright"].append(measured(sys.executable, OURS, path))
    for name, found in results.items():
        middle = {
            key: round(statistics.median(each[key] for each in found), 3)
            for key, value in found[0].items()
            if isinstance(value, float)
        }
        say(name, middle, {key: value for key, value in found[0].items() if not isinstance(value, float)})
    for key in ("seconds", "cpu", "peak", "above"):
        ratio = [statistics.median(each[key] for each in results[name]) for name in results]
        say(f"{key}: modelwright / pandas = {ratio[1] / ratio[0]:.3f} (1/{ratio[0] / ratio[1]:.1f})")


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
