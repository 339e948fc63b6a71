"""The small recipes from which a key is changed. What measurement would choose is ordered, so that nothing wavers."""

from __future__ import annotations

from typing import Any

MACHINE = {"device": "cpu", "threads": 1, "precision": "highest", "dtype": "float32", "compiled": False}
TRAINING = {"epochs": 2, "batch": 16, "optimizer": {"kind": "sgd", "rate": 0.1}}
ALL = ["missing", "unparsable", "constant", "duplicate", "leak", "contradiction", "rare", "one_class", "unseen"]


def base(data: dict[str, Any], codec: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    sections = {
        "machine": MACHINE,
        "data": data,
        "check": {"accept": ALL},
        "codec": codec,
        "model": model,
        "training": TRAINING,
    }
    return sections | {"evaluation": {"baselines": False}}


MLP = {"kind": "mlp", "widths": [6]}
CNN = {"kind": "cnn", "stages": [[3]], "head": [5]}
LABEL_Y = {"kind": "columns", "label": "y", "ignore": ["grade", "fold", "half"]}
PICTURES = {"kind": "pictures"}
LOG_MEL = {"kind": "log_mel", "mels": 8, "longest": 0.1}
WORDS = {"kind": "words", "label": "y"}

BASES: dict[str, dict[str, Any]] = {
    "csv": base({"kind": "csv", "path": "rows.csv"}, LABEL_Y, MLP),
    "begun": base({"kind": "csv", "path": "rows.csv"}, LABEL_Y, {"kind": "base", "artifact": "begun"}),
    "number": base({"kind": "csv", "path": "rows.csv"}, {"kind": "columns", "label": "grade", "target": "number"}, MLP),
    "gaps": base({"kind": "csv", "path": "gaps.csv"}, LABEL_Y, MLP),
    "commas": base({"kind": "csv", "path": "commas.csv"}, LABEL_Y, MLP),
    "twins": base({"kind": "csv", "path": "twins.csv"}, {"kind": "columns", "label": "y"}, MLP),
    "json": base({"kind": "json", "path": "rows_json"}, LABEL_Y, MLP),
    "jsonl": base({"kind": "jsonl", "path": "rows.jsonl"}, LABEL_Y, MLP),
    "parquet": base({"kind": "parquet", "path": "rows.parquet"}, LABEL_Y, MLP),
    "in_python": base({"kind": "in_python"}, LABEL_Y, MLP),
    "arrays": base({"kind": "arrays", "path": "rows.npz"}, {"kind": "columns", "label": "y"}, MLP),
    "bundled": base({"kind": "bundled", "name": "iris"}, {"kind": "columns", "label": "target"}, MLP),
    "text": base({"kind": "text", "path": "texts"}, {"kind": "words", "label": "label"}, MLP),
    "words": base({"kind": "csv", "path": "texts.csv"}, WORDS, {"kind": "mlp", "widths": [6], "embedding": 4}),
    "texts": base(
        {"kind": "csv", "path": "texts.csv"},
        {"kind": "texts", "label": "y", "longest": 12, "tokenizer": {"kind": "word_piece", "vocabulary": 60}},
        {"kind": "mlp", "widths": [6], "embedding": 4},
    ),
    "folded": base(
        {"kind": "csv", "path": "folded.csv"}, {"kind": "texts", "label": "y"}, {"kind": "mlp", "widths": [6], "embedding": 4}
    ),
    "characters": base({"kind": "csv", "path": "texts.csv"}, {"kind": "characters", "label": "y"}, MLP),
    "folder": base({"kind": "pictures", "path": "pictures"}, PICTURES, CNN),
    "pictures": base({"kind": "csv", "path": "pictures.csv"}, PICTURES, CNN),
    "sounds": base({"kind": "sounds", "path": "sounds"}, LOG_MEL, CNN),
    "heard": base({"kind": "csv", "path": "sounds.csv"}, LOG_MEL, CNN),
    "idx": base({"kind": "idx", "path": "pictures_idx"}, PICTURES, CNN),
    "cifar10": base({"kind": "cifar10", "path": "pictures_cifar10"}, PICTURES, MLP),
    "linear": base({"kind": "csv", "path": "texts.csv"}, WORDS, {"kind": "linear", "embedding": 4}),
    "talks": base({"kind": "jsonl", "path": "talks.jsonl"}, {"kind": "conversations", "longest": 99},
                  {"kind": "decoder", "depth": 1, "width": 8, "heads": 2}),
    "asked": base({"kind": "csv", "path": "rows.csv"},
                  {"kind": "conversations", "longest": 99, "asked": "{c}?", "answered": "It is {y}."},
                  {"kind": "decoder", "depth": 1, "width": 8, "heads": 2}),
    "going_on": base({"kind": "jsonl", "path": "talks.jsonl"}, {"kind": "documents", "column": "others", "longest": 16},
                     {"kind": "base", "artifact": "goer"}),
    "documents": base(
        {"kind": "text", "path": "works", "documents": ["*.txt"]},
        {"kind": "documents", "longest": 16},
        {"kind": "decoder", "depth": 1, "width": 8, "heads": 2},
    ),
    "pairs": base(
        {"kind": "csv", "path": "texts.csv"},
        {"kind": "pairs", "column": "text", "label": "title", "longest": 60, "reply": 60},
        {"kind": "encoder_decoder", "depth": 1, "width": 8, "heads": 2, "dropout": 0.1},
    ),
    **{
        word: base(
            {"kind": kind, "path": f"names.{kind}"},
            {"kind": "tags", "longest": 24, "tokenizer": {"kind": "bpe", "vocabulary": 280}},
            {"kind": "encoder", "depth": 1, "width": 8, "heads": 2},
        )
        for word, kind in (("conll", "conll"), ("tags", "jsonl"))
    },
    "alike": base(
        {"kind": "csv", "path": "likes.csv"},
        {"kind": "sentences", "width": 8, "longest": 24, "places": 32, "tokenizer": {"kind": "bpe", "vocabulary": 280}},
        {"kind": "encoder", "depth": 1, "width": 8, "heads": 2, "positions": "learned"},
    ),
    "spans": base(
        {"kind": "text", "path": "works", "documents": ["*.txt"]},
        {"kind": "spans", "longest": 16},
        {"kind": "encoder_decoder", "depth": 1, "width": 8, "heads": 2},
    ),
    "gettext": base(
        {"kind": "gettext", "path": "catalogues"},
        {"kind": "pairs", "longest": 12, "reply": 12},
        {"kind": "encoder_decoder", "depth": 1, "width": 8, "heads": 2},
    ),
    "hidden": base(
        {"kind": "text", "path": "works", "documents": ["*.txt"]},
        {"kind": "documents", "longest": 16, "tokenizer": {"kind": "word_piece", "vocabulary": 60}, "masking": {"share": 0.3}},
        {"kind": "encoder", "depth": 1, "width": 8, "heads": 2},
    ),
    "decoder": base(
        {"kind": "csv", "path": "texts.csv"}, WORDS, {"kind": "decoder", "depth": 1, "width": 8, "heads": 2, "dropout": 0.1}
    ),
    "encoder": base(
        {"kind": "csv", "path": "texts.csv"}, WORDS, {"kind": "encoder", "depth": 1, "width": 8, "heads": 2, "dropout": 0.1}
    ),
    **{
        word: base({"kind": "csv", "path": "texts.csv"}, WORDS, {"kind": word, "embedding": 4, "width": 4})
        for word in ("rnn", "gru", "lstm")
    },
}
