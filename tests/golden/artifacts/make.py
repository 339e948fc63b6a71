"""Makes the golden artifact of this release: run once at each release, never again for an old one.

    python tests/golden/artifacts/make.py tests/golden/artifacts/0.1

Later versions must load it and answer its rows as it did (tests/test_golden.py).
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from modelwright import evaluation, life, using
from modelwright.folder import RunFolder
from modelwright.recipe import open_recipe


def rows(height: int) -> pl.DataFrame:
    dice = np.random.default_rng(1)
    size = dice.normal(50, 20, height).round(1)
    colour = dice.choice(["red", "green", "blue"], height)
    label = np.where(size + 20 * (colour == "red") > 55, "big", "small")
    text = [None if place % 19 == 7 else str(value) for place, value in enumerate(size)]
    return pl.DataFrame({"size": text, "colour": colour, "label": label})


def main(folder: Path) -> None:
    rows(400).write_csv(folder.parent / "rows.csv")
    recipe = open_recipe(
        {
            "data": {"kind": "csv", "path": str(folder.parent / "rows.csv")},
            "check": {"accept": ["leak"]},
            "codec": {"kind": "columns", "label": "label", "missing": "median"},
            "model": {"kind": "mlp", "widths": [8]},
            "training": {"epochs": 15, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
        }
    )
    lived = life.run(recipe, RunFolder(folder))
    asked = rows(30).drop("label")
    asked.write_csv(folder / "asked.csv")
    using.predict(lived.artifact, folder / "asked.csv", folder / "answers.csv")
    assert (
        len(
            evaluation.score(
                evaluation.answer_rows(lived.artifact.module, lived.artifact.codec, life.gather(recipe).part("test"))
            )
        )
        == 3
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
