"""Rows as a person looks at them: pictures, spectra, texts, cells. For the worst mistakes. H height, W width."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.data.codecs.pictures import Pictures
from modelwright.data.codecs.sounds import LogMel
from modelwright.data.codecs.words import Characters, Texts, Words
from modelwright.nouns import Encoding, Refused, Rows
from modelwright.report import figures
from modelwright.report.story import Shown
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

EDGE = 256
"""Pixels of a picture's longer side at most."""
PLAYED = 2**16
"""Bytes of a recording that may be listened to on the page."""
CELLS = 12
"""Columns shown of a row."""
LETTERS = 420
"""Characters shown of a text, 80 of a cell."""
GRID = re.compile(r"pixel_(\d+)_(\d+)")
"""Columns of such names are a picture, pixel by pixel."""


def show(mistakes: pl.DataFrame, rows: Rows, encoding: Encoding) -> tuple[Shown, ...]:
    """Each mistake (evaluation.mistakes) with its raw row, found by its id; a picture that cannot be drawn is left out."""
    import numpy as np

    order = np.argsort(rows.ids)
    ids = mistakes["row"].to_numpy()
    places = order[np.searchsorted(rows.ids, ids, sorter=order)]
    wanted = rows.take(places).columns
    return tuple(
        _shown(mistake, wanted[place : place + 1], encoding) for place, mistake in enumerate(mistakes.iter_rows(named=True))
    )


def _shown(mistake: dict[str, Any], row: pl.DataFrame, encoding: Encoding) -> Shown:
    told = Shown(mistake["row"], _plain(mistake["label"]), _plain(mistake["answer"]), mistake["size"])
    if isinstance(encoding, Pictures):
        return _with(told, picture=png_of_cell(row[encoding.column]), alt=_pictured(told))
    if isinstance(encoding, LogMel):
        cell = row[encoding.column].item()
        named = ((encoding.column, _cut(Path(cell).name, 80)),) if isinstance(cell, str) else ()
        alt = say("Row {row}: the spectra of a recording of {label}, time to the right", row=told.row, label=told.label)
        return _with(told, picture=png_of_sound(cell, encoding), alt=alt, sound=_played(cell), cells=named)
    if isinstance(encoding, (Words, Characters, Texts)):
        return _with(told, text=_cut(str(row[encoding.column].item()), LETTERS))
    cells = [(name, row[name].item()) for name in row.columns if name not in (encoding.label, "part")]
    grid = {match.groups(): value for name, value in cells if (match := GRID.fullmatch(name))}
    if len(grid) > len(cells) // 2:
        return _with(told, picture=_png_of_grid(grid), alt=_pictured(told))
    shown = tuple((name, _cut("" if value is None else str(value), 80)) for name, value in cells[:CELLS])
    return _with(told, cells=shown, more=max(0, len(cells) - CELLS))


def _pictured(told: Shown) -> str:
    return say("Row {row}: a picture of {label}", row=told.row, label=told.label)


def picture_of(row: pl.DataFrame, encoding: Encoding) -> str:
    """The data: address of the one row's picture; empty where it is none."""
    return _shown({"row": 0, "label": "", "answer": "", "size": 0.0}, row, encoding).picture


def _plain(value: Any) -> str:
    return figures.amount(value) if isinstance(value, float) else value


def _with(told: Shown, **facts: Any) -> Shown:
    return replace(told, **facts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rstrip() + " …"


def png_of_cell(cell: pl.Series) -> str:
    """The data: address of one cell's picture (bytes, path or array); empty where it cannot be read."""
    import numpy as np

    from modelwright.data.codecs.pictures.developing import PictureError, cells, developed, each, head

    picture: Sequence[Any] | np.ndarray = cells(cell)
    seen = next(each(head, picture))
    if isinstance(seen, PictureError) and not isinstance(picture, np.ndarray):
        return ""
    grey, (height, width) = (True, (0, 0)) if isinstance(seen, PictureError) else seen
    if isinstance(picture, np.ndarray):
        return png(picture[0])
    scale = min(1.0, EDGE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    found = next(each(lambda one: developed(one, 1 if grey else 3, size), picture))
    return "" if isinstance(found, PictureError) else png(found)


def png_of_sound(cell: bytes | str | None, encoding: LogMel) -> str:
    """The data: address of a recording's spectra: time goes right, pitch goes up; empty where it cannot be read."""
    from modelwright.data.codecs.sounds.mel import scale, spectra
    from modelwright.data.codecs.sounds.recordings import RecordingError, content, head, heard

    try:
        rate = encoding.rate or head(content(cell)).rate
        values, _ = spectra([heard(cell, rate, encoding.longest)], scale(rate, encoding.window, encoding.hop, encoding.mels))
    except (RecordingError, Refused):
        return ""
    low, high = values.min(), values.max()
    return png((255 * (values - low) / max(high - low, 1e-9)).round().astype("uint8").T[::-1])


def _played(cell: bytes | str | None) -> str:
    """The data: address of a short recording; empty for a long one, and for one that is not there."""
    from modelwright.data.codecs.sounds.recordings import RecordingError, content

    try:
        data = content(cell)
    except RecordingError:
        return ""
    return f"data:audio/wav;base64,{base64.b64encode(data).decode()}" if len(data) <= PLAYED else ""


def _png_of_grid(grid: dict[tuple[str, ...], Any]) -> str:
    """Grey, the largest value white; empty where a value is no number."""
    import numpy as np

    places = [tuple(int(part) for part in place) for place in grid]
    values = np.zeros([1 + max(axis) for axis in zip(*places)])
    try:
        for place, value in zip(places, grid.values()):
            values[place] = float(value)
    except (TypeError, ValueError):
        return ""
    return png((255 * values / max(values.max(), 1e-9)).clip(0, 255).astype(np.uint8))


def png(pixels: np.ndarray) -> str:
    """uint8 (H, W), (1, H, W) or (3, H, W) -> a data: address. Small ones are enlarged by whole pixels."""
    import numpy as np
    from PIL import Image

    plain = pixels.transpose(1, 2, 0).squeeze() if pixels.ndim == 3 else pixels
    image = Image.fromarray(np.ascontiguousarray(plain))
    if max(image.size) > EDGE:
        image.thumbnail((EDGE, EDGE))
    elif max(image.size) <= EDGE // 2:
        times = EDGE // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
