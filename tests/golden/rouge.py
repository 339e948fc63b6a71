"""Golden figures of rouge-score. Run by hand where it is installed, never by a test:

    python -m venv rouge && rouge/bin/pip install rouge-score==0.1.2
    rouge/bin/python tests/golden/rouge.py
"""

import json
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

PAIRS = [
    ("the cat sat on the mat", "a cat sat on a red mat"),
    ("Stars, stars over there!", "there are stars; over there are more stars"),
    ("nothing in common", "some other words"),
    ("one", "one"),
    ("police killed the gunman", "the gunman police killed"),
    ("the the the", "the cat the"),
    ("in 2024 3.5 of them", "of them 3 or 5 in 2024"),
    ("", "empty"),
]


def main() -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = []
    for given, wanted in PAIRS:
        scores = scorer.score(wanted, given)
        found.append([given, wanted, {"1": scores["rouge1"][2], "2": scores["rouge2"][2], "l": scores["rougeL"][2]}])
    (Path(__file__).parent / "rouge.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
