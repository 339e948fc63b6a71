"""Small data in every format that a source reads, written once for all keys."""

from __future__ import annotations

import json
import random
import struct
import wave
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

N = 90
"""Rows of each set."""
MARK = "zanzibar"
"""A word that stands in every text, so that it can be seen where rows are shown."""


def write_all(folder: Path) -> None:
    """Everything that the recipes in bases.py name."""
    tables(folder)
    texts(folder)
    works(folder)
    folded(folder)
    catalogues(folder)
    pictures(folder)
    sounds(folder)
    tokenizers(folder)
    talks(folder)
    names(folder)
    likes(folder)
    begun(folder)
    (folder / "seal.key").write_text(bytes(range(32)).hex())


def talks(folder: Path) -> None:
    """Conversations, and others."""
    def told(*said: str) -> str:
        return json.dumps([{"role": role, "content": text} for role, text in zip(("user", "assistant"), said)])

    rows = [{"messages": told(f"and {n}", "yes" * (n % 3 + 1)), "others": told("no", f"{n}")} for n in range(40)]
    (folder / "talks.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def names(folder: Path) -> None:
    """Sentences in the shape of CoNLL, with a field for parts of speech between a word and its tag, and as lists; in every
    third the entity has the tags of BIOES."""
    for seed, name in ((1, "names"), (2, "other_names")):
        dice = random.Random(seed)
        lines: list[str] = []
        rows: list[dict[str, list[str]]] = []
        for place in range(N):
            ends = "BE" if place % 3 == 0 else "BI"
            person = [(dice.choice(some), f"{end}-PER") for some, end in zip((("Anna", "Boris"), ("Stone", "Field")), ends)]
            said = [*((word, "O") for word in sentence(dice, True).split()), *person]
            lines += [f"{word} {word[:1]} {tag}\n" for word, tag in said] + ["\n"]
            words, tags = ([one[side] for one in said] for side in (0, 1))
            rows.append({"words": words, "tags": tags, "others": [word[:2] for word in words]})
        (folder / f"{name}.conll").write_bytes("".join(("好 好 O\n", *lines)).encode("gb18030"))
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def likes(folder: Path) -> None:
    """Pairs of texts, others of the same length, and how alike the first two are."""
    dice = random.Random(1)
    rows = [{name: sentence(dice, True) for name in ("text", "title", "positive", "other")} for _ in range(N)]
    told = [{**row, "score": place % 5, "rank": place % 3} for place, row in enumerate(rows)]
    pl.DataFrame(told).write_csv(folder / "likes.csv")


def begun(folder: Path) -> None:
    """Artifacts that a model can begin with."""
    from modelwright import data, models, shelf
    from modelwright.data.codecs import Columns, Documents
    from modelwright.models import MLP, Decoder
    from modelwright.nouns import Artifact

    rows = data.read(data.from_path(folder / "rows.csv"))
    codec = Columns("y", ignore=("grade", "fold", "half")).fit(lambda: iter([rows]))
    for seed, name in ((1, "begun"), (2, "begun_other")):
        module = models.build(MLP((6, 5)), codec.reads, codec.writes, seed)
        shelf.put(Artifact(MLP((6, 5)), codec, module), folder / name)
    talks = data.read(data.from_path(folder / "talks.jsonl"))
    codec = Documents("others", longest=16).fit(lambda: iter([talks]))
    decoder = Decoder(1, 8, 2)
    shelf.put(Artifact(decoder, codec, models.build(decoder, codec.reads, codec.writes, 1)), folder / "goer")


def tokenizers(folder: Path) -> None:
    """Two that others might have made: words.json knows fewer words than letters.json knows letters."""
    import tokenizers

    for name, signs in (("letters", "abcdefghijklmnopqrstuvwxyz"), ("words", ["zanzibar"])):
        made = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, **{sign: n for n, sign in enumerate(signs, 1)}}))
        made.add_special_tokens(["[SEP]"])
        made.post_processor = tokenizers.processors.TemplateProcessing("$A [SEP]", special_tokens=[("[SEP]", len(signs) + 1)])
        made.save(str(folder / f"{name}.json"))


def table(seed: int, n: int = N) -> pl.DataFrame:
    """Numbers a and b, a category c, codes that are mostly numbers, labels y and grade, and three ways to part."""
    dice = random.Random(seed)
    rows: list[dict[str, str]] = []
    for place in range(n):
        a, b, c = dice.gauss(0, 1), dice.gauss(5, 2), dice.choice(["red", "green", "blue"])
        rows.append(
            {
                "a": f"{a:.4f}",
                "b": f"{b:.4f}",
                "c": c,
                "code": str(dice.randrange(5)) if place % 9 else "x",
                "y": "yes" if a + (c == "red") + dice.gauss(0, 0.5) > 0.3 else "no",
                "grade": str(1 + (b > 4) + (b > 6)),
                "part": ("train", "train", "train", "validation", "test")[place % 5],
                "fold": ("test", "validation", "train", "train", "train")[place % 5],
                "half": ("train", "train", "test")[place % 3],
            }
        )
    return pl.DataFrame(rows)


def tables(folder: Path) -> None:
    rows, others = table(1), table(2)
    for name, frame in (("rows", rows), ("others", others)):
        frame.write_csv(folder / f"{name}.csv")
        frame.write_parquet(folder / f"{name}.parquet")
        lines = "\n".join(json.dumps(row) for row in frame.to_dicts())
        (folder / f"{name}.jsonl").write_text(lines + "\n", encoding="utf-8")
        records = [{**row, "tags": [row["c"], row["y"]]} for row in frame.to_dicts()]
        (folder / f"{name}_json").mkdir(exist_ok=True)
        for file, some in (("first", records[: N // 2]), ("second", records[N // 2 :])):
            (folder / f"{name}_json" / f"{file}.json").write_text(json.dumps(some), encoding="utf-8")
        numbers = {key: frame[key].cast(pl.Float64).to_numpy() for key in ("a", "b")}
        np.savez(folder / f"{name}.npz", **numbers, y=frame["y"].to_numpy().astype(str))
    rows.write_csv(folder / "rows.semicolon.csv", separator=";")
    gaps = rows.with_columns(
        b=pl.when(pl.int_range(pl.len()) % 7 == 3).then(pl.lit("?")).otherwise("b"),
        c=pl.when(pl.int_range(pl.len()) % 11 == 5).then(None).otherwise("c"),
    )
    gaps.write_csv(folder / "gaps.csv")
    rows.with_columns(a=pl.concat_str(pl.int_range(pl.len()), pl.lit(",25"))).write_csv(folder / "commas.csv")
    twins = pl.concat([rows.drop("part", "fold", "half"), rows.drop("part", "fold", "half").head(20)])
    twins.write_csv(folder / "twins.csv")
    others.drop("part", "fold", "half").write_csv(folder / "held_out.csv")
    chinese = rows.with_columns(c=pl.col("c").replace({"red": "红", "green": "绿", "blue": "蓝"}))
    (folder / "chinese.csv").write_bytes(chinese.write_csv().encode("gb18030"))
    objects = [json.dumps(row, ensure_ascii=False) for row in chinese.to_dicts()]
    (folder / "chinese.jsonl").write_bytes("\n".join(objects).encode("gb18030"))
    (folder / "chinese.json").write_bytes(f"[{', '.join(objects)}]".encode("gb18030"))


def sentence(dice: random.Random, good: bool) -> str:
    words = dice.sample(
        ["film", "actor", "plot", "scene", "music", "story", "end", "night", "house", "light"], dice.randrange(3, 8)
    )
    return " ".join([MARK, *words, dice.choice(["great", "fine"] if good else ["dull", "bad"]), *dice.sample(words, 2)])


def texts(folder: Path) -> None:
    for seed, name in ((1, "texts"), (2, "other_texts")):
        dice = random.Random(seed)
        rows: list[dict[str, str]] = []
        for place in range(N):
            good = place % 2 == 0
            said = {"text": sentence(dice, good), "title": sentence(dice, not good)}
            rows.append({**said, "y": "praise" if good else "blame", "topic": "ab"[place % 3 == 0]})
        pl.DataFrame(rows).write_csv(folder / f"{name}.csv")
        for place, row in enumerate(rows):
            file = folder / name / row["y"] / f"{place}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(("好 " + row["text"]).encode("gb18030"))


def folded(folder: Path) -> None:
    """Texts that say the same once forms, capitals and accents are folded."""
    words = ["cafe\u0301", "caf\u00e9", "CAFE", "ﬁn", "fin", "Ｆｉｎ"]
    texts = [" ".join(words[(place + step) % len(words)] for step in range(4)) for place in range(N)]
    labels = ["no" if place % 2 else "yes" for place in range(N)]
    pl.DataFrame({"text": texts, "y": labels}).write_csv(folder / "folded.csv")


def works(folder: Path) -> None:
    """Twelve texts of unequal length, two of them in a sub-folder, and one that is no text file."""
    for seed, name in ((1, "works"), (2, "other_works")):
        dice = random.Random(seed)
        for place in range(12):
            file = folder / name / ("more" if place > 9 else ".") / f"{place}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            text = "".join(f"好 {sentence(dice, bool(line % 2))}.\n" for line in range(1 + place % 4))
            file.write_bytes(text.encode("gb18030"))
        (folder / name / "notes.md").write_text("# Notes\n", encoding="utf-8")


def catalogues(folder: Path) -> None:
    """Compiled by hand, as gettext's manual has it: a head, two tables of lengths and places, the texts."""
    for seed, name in ((1, "catalogues"), (2, "other_catalogues")):
        dice = random.Random(seed)
        said = {f"{sentence(dice, True)} {place}".encode(): sentence(dice, False)[::-1].encode() for place in range(N)}
        texts, start = [*sorted(said), *(said[source] for source in sorted(said))], 28 + 16 * N
        head, body = [0x950412DE, 0, N, 28, 28 + 8 * N, 0, 0], b""
        for text in texts:
            head += [len(text), start + len(body)]
            body += text + b"\0"
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "some.mo").write_bytes(struct.pack(f"<{len(head)}I", *head) + body)


def pictures(folder: Path) -> None:
    for seed, name in ((1, "pictures"), (2, "other_pictures")):
        dice = np.random.default_rng(seed)
        labels = np.arange(N) % 2
        grey = (dice.integers(0, 120, (N, 8, 8)) + 120 * labels[:, None, None] * (np.arange(8) < 4)).astype(np.uint8)
        idx(folder / f"{name}_idx", grey, labels)
        cifar10(folder / f"{name}_cifar10", dice, labels)
        rows: list[dict[str, str]] = []
        for place, (picture, label) in enumerate(zip(grey, labels)):
            file = folder / name / f"kind{label}" / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(file)
            back = folder / f"{name}_back" / f"{place}.png"
            back.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture[::-1].copy()).save(back)
            rows.append({"picture": str(file), "back": str(back), "label": f"kind{label}", "third": str(place % 3)})
        pl.DataFrame(rows).write_csv(folder / f"{name}.csv")


def sounds(folder: Path) -> None:
    """A low tone and a high one, 0.06 s to 0.14 s long at 8 kHz, in noise; and the same backwards."""
    for seed, name in ((1, "sounds"), (2, "other_sounds")):
        dice = np.random.default_rng(seed)
        rows: list[dict[str, str]] = []
        for place in range(N):
            time = np.arange(480 + 8 * (place % 80)) / 8000
            hertz = 300 + 900 * (place % 2)
            tone = 6000 * np.exp(-9 * time) * np.sin(2 * np.pi * hertz * time) + dice.normal(0, 200, len(time))
            file, back = folder / name / f"kind{place % 2}" / f"{place}.wav", folder / f"{name}_back" / f"{place}.wav"
            wav(file, tone)
            wav(back, tone[::-1])
            rows.append({"sound": str(file), "back": str(back), "label": f"kind{place % 2}", "third": str(place % 3)})
        pl.DataFrame(rows).write_csv(folder / f"{name}.csv")


def wav(file: Path, sound: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as whole:
        whole.setparams((1, 2, 8000, 0, "NONE", ""))
        whole.writeframes(sound.astype("<i2").tobytes())


def idx(folder: Path, grey: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir()
    for part, some in (("train", slice(0, 60)), ("t10k", slice(60, N))):
        head = struct.pack(">BBBBIII", 0, 0, 8, 3, *grey[some].shape)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(head + grey[some].tobytes())
        head = struct.pack(">BBBBI", 0, 0, 8, 1, len(labels[some]))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(head + labels[some].astype(np.uint8).tobytes())


def cifar10(folder: Path, dice: np.random.Generator, labels: np.ndarray) -> None:
    folder.mkdir()
    colour = dice.integers(0, 255, (N, 3 * 32 * 32)).astype(np.uint8)
    records = np.concatenate([labels[:, None].astype(np.uint8), colour], axis=1)
    (folder / "data_batch_1.bin").write_bytes(records[:60].tobytes())
    (folder / "test_batch.bin").write_bytes(records[60:].tobytes())
