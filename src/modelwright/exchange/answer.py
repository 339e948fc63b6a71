"""Answers raw rows with model.onnx: run it, or read it. Knows neither modelwright nor torch, only what lies beside it.

    python answer.py rows.csv

It needs numpy and onnxruntime, and Pillow for pictures. codec.json says what the model reads and what its answers mean.
B rows, T steps, C classes or channels.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

Facts = dict[str, Any]
Row = dict[str, Any]
Inputs = dict[str, np.ndarray]

UNSEEN, MISSING = -1, -2
PADDING, UNKNOWN, FIRST = 0, 1, 2
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

COMMA = re.compile(
    r"\s*[+-]?([0-9]{1,3}([. '’\u00a0\u202f][0-9]{3})+|[0-9]+)(,[0-9]+)?([eE][+-]?[0-9]+)?\s*"
)


def feed(codec: Facts, rows: list[Row]) -> tuple[Inputs, list[str | None]]:
    """Rows (a dict each) -> the model's inputs by name, and for each row what is wrong with it, or None."""
    return {"table": table, "pictures": pictures, "texts": texts}[codec["kind"]](codec, rows)


def meaning(codec: Facts, outputs: Inputs) -> list[tuple[Any, float | None]]:
    """The model's outputs -> an answer and its chance for each row; numbers have no chance."""
    if codec["label"]["kind"] == "number":
        return [(float(answer), None) for answer in outputs["answer"].reshape(-1)]
    names = codec["label"]["names"]
    best = outputs["best"].reshape(-1)
    return [(names[place], float(chances[place])) for place, chances in zip(best, outputs["chances"])]


# --- tables -------------------------------------------------------------------------------------------------------------


def table(codec: Facts, rows: list[Row]) -> tuple[Inputs, list[str | None]]:
    """numbers float64 (B, N), NaN where there is none; categories int64 (B, K), places in their values. The model fills in what
    is missing and standardises."""
    faults: list[str | None] = [None] * len(rows)
    numbers: list[list[Any]] = []
    categories: list[list[Any]] = []
    for column in codec["columns"]:
        read = number if column["kind"] == "number" else category
        kept = codec.get("decimal") != "," or column["name"] in codec["spelled"]
        given = (row.get(column["name"]) for row in rows)
        cells = [read(cell if kept else plainly(cell), column, codec["blanks"]) for cell in given]
        for place, (_, fault) in enumerate(cells):
            if fault:
                faults[place] = faults[place] or f"{column['name']}: {fault}"
        (numbers if column["kind"] == "number" else categories).append([value for value, _ in cells])
    inputs: Inputs = {}
    if numbers:
        inputs["numbers"] = np.array(numbers, np.float64).T
    if categories:
        inputs["categories"] = np.array(categories, np.int64).T
    return inputs, faults


def plainly(cell: Any) -> Any:
    """1.234,50 as 1234.50; what is no number with a decimal comma as it is."""
    if not isinstance(cell, str) or not COMMA.fullmatch(cell):
        return cell
    return re.sub(r"[. '’\u00a0\u202f]", "", cell.strip()).replace(",", ".")


def number(cell: Any, column: Facts, blanks: list[str]) -> tuple[float, str | None]:
    """The cell as a number, NaN where nothing is there; and what is wrong with it."""
    text = spelled(cell).strip()
    value = float(text) if NUMBER.fullmatch(text) else None
    sentinels = [float(blank) for blank in blanks if NUMBER.fullmatch(blank)]
    if text == "" or text in blanks or value in sentinels:
        return np.nan, "there is no value" if column["fill"] is None else None
    if value is None or not np.isfinite(value):
        return np.nan, f'"{text}" is not a number'
    far = abs((value - column["mean"]) / column["spread"]) > 1e18
    return (np.nan, f'"{text}" is too far from the numbers of the training rows') if far else (value, None)


def category(cell: Any, column: Facts, blanks: list[str]) -> tuple[int, str | None]:
    """The cell's place among the column's values; and what is wrong with it."""
    text = spelled(cell).strip()
    if text == "" or text in blanks:
        faulty = column["fill"] is None and not column["flagged"]
        return MISSING, "there is no value" if faulty else None
    text = re.sub(r"^([+-]?\d+)\.0+$", r"\1", text)
    text = text.lower() if text.lower() in ("true", "false") else text
    return (column["values"].index(text) if text in column["values"] else UNSEEN), None


def spelled(cell: Any) -> str:
    """3.0 is "3", true is "true", nothing is ""."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else str(cell)


# --- texts --------------------------------------------------------------------------------------------------------------


def texts(codec: Facts, rows: list[Row]) -> tuple[Inputs, list[str | None]]:
    """inputs int64 (B, T): the number of each word or character, 0 where a text has ended; at least one a row."""
    known = {word: place + FIRST for place, word in enumerate(codec["vocabulary"])}
    said = [[known.get(token, UNKNOWN) for token in tokens(codec, row.get(codec["column"]))] or [UNKNOWN] for row in rows]
    inputs = np.full((len(rows), max((len(row) for row in said), default=1)), PADDING, np.int64)
    for place, row in enumerate(said):
        inputs[place, : len(row)] = row
    return {"inputs": inputs}, [None for _ in rows]


def tokens(codec: Facts, text: Any) -> list[str]:
    """The words (or characters) that are read, in their order."""
    plain = unicodedata.normalize("NFKC", spelled(text))
    if codec["tokens"] == "characters":
        return list(plain)[: codec["longest"]]
    signs, letters = spans(codec["ideographs"]), spans(codec["letters"])
    return re.findall(f"[{signs}]|[{letters}]+(?:['’][{letters}]+)*", plain.lower())[: codec["longest"]]


def spans(ranges: list[list[int]]) -> str:
    """[[first, last], ...] of code points, as the inside of a regular expression's brackets."""
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


# --- pictures -----------------------------------------------------------------------------------------------------------


def pictures(codec: Facts, rows: list[Row]) -> tuple[Inputs, list[str | None]]:
    """inputs uint8 (B, C, H, W)."""
    shape = (codec["channels"], codec["height"], codec["width"])
    inputs = np.zeros((len(rows), *shape), np.uint8)
    faults: list[str | None] = [None] * len(rows)
    for place, row in enumerate(rows):
        try:
            inputs[place] = picture(row.get(codec["column"]), *shape)
        except (OSError, ValueError, SyntaxError, AttributeError) as error:
            faults[place] = f"the picture cannot be read: {error}"
    return {"inputs": inputs}, faults


def picture(cell: Any, channels: int, height: int, width: int) -> np.ndarray:
    """A path, encoded bytes, or an array (H, W) or (C, H, W) of 0 to 255 -> uint8 (C, H, W), upright, on white."""
    if isinstance(cell, np.ndarray) and cell.reshape(-1, *cell.shape[-2:]).shape == (channels, height, width):
        return cell.reshape(channels, height, width)
    from PIL import Image, ImageOps

    if isinstance(cell, np.ndarray):
        image = Image.fromarray(cell if cell.ndim == 2 else cell.transpose(1, 2, 0).squeeze())
    else:
        image = Image.open(io.BytesIO(cell) if isinstance(cell, bytes) else Path(cell))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(image)
    return values[None] if channels == 1 else values.transpose(2, 0, 1)


# --- as a command -------------------------------------------------------------------------------------------------------


def main(folder: Path, path: Path) -> None:
    """row, answer, probability and fault of every row, as CSV."""
    import onnxruntime

    codec = json.loads((folder / "codec.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    out = csv.writer(sys.stdout)
    out.writerow(["row", "answer", "probability", "fault"])
    for start in range(0, len(rows), 256):
        inputs, faults = feed(codec, rows[start : start + 256])
        names = [port.name for port in session.get_outputs()]
        outputs = {name: np.asarray(found) for name, found in zip(names, session.run(None, inputs))}
        for place, ((answer, chance), fault) in enumerate(zip(meaning(codec, outputs), faults), start):
            out.writerow([place, "", "", fault] if fault else [place, answer, "" if chance is None else chance, ""])


if __name__ == "__main__":
    main(Path(__file__).parent, Path(sys.argv[1]))
