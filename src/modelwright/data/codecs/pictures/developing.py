"""One picture, from encoded bytes, a path or an array to uint8 (C, H, W): upright, in its channels and size. Knows no table."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import polars as pl
from PIL import Image, ImageOps, UnidentifiedImageError

from modelwright.nouns import Refused
from modelwright.wording import say

Found = TypeVar("Found")
Cell: TypeAlias = "bytes | str | np.ndarray | None"

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MOST = 64 * 2**20
"""Pixels of a picture before it is decoded: a small file may hold a picture larger than memory."""
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
ROTATED = 0x0112
"""The EXIF tag of the way the camera was held; 5 to 8 lie on their side."""


class PictureError(Exception):
    """Says what is wrong with one picture."""


def cells(column: pl.Series) -> Sequence[Cell] | np.ndarray:
    """The column's pictures one by one; arrays of one shape as one array. Refused: a type that holds no pictures."""
    if isinstance(column.dtype, pl.Array) and len(column.dtype.shape) in (2, 3) and not column.null_count():
        return column.to_numpy()
    if isinstance(column.dtype, (pl.Binary, pl.String, pl.Null)):
        return column.to_list()
    if isinstance(column.dtype, pl.Array) and len(column.dtype.shape) in (2, 3):
        return [None if cell is None else np.array(cell, np.uint8) for cell in column.to_list()]
    raise Refused(
        say('Column "{column}" holds {dtype}, not pictures: bytes, paths, or arrays of 0 to 255 by height and width are read.',
            column=column.name, dtype=str(column.dtype))
    )  # fmt: skip


def each(work: Callable[[Any], Found], pictures: Sequence[Cell] | np.ndarray) -> Iterator[Found | PictureError]:
    """The work's result for each picture in order, or why there is none. Pillow decodes outside Python's lock."""

    def tried(cell: Cell) -> Found | PictureError:
        try:
            return work(cell)
        except PictureError as unreadable:
            return unreadable
        except FileNotFoundError:
            return PictureError(say("there is no file {path}", path=cell))
        except UnidentifiedImageError:
            return PictureError(say("it is in none of the formats {formats}", formats=", ".join(FORMATS)))
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError, Warning) as error:
            return PictureError(str(error) or type(error).__name__)

    with ThreadPoolExecutor(min(cpu_count() or 1, 16)) as threads:
        yield from threads.map(tried, pictures)


def opened(cell: Cell) -> Image.Image:
    """Its head only; nothing is decoded yet."""
    if cell is None:
        raise PictureError(say("there is none"))
    if isinstance(cell, np.ndarray):
        return Image.fromarray(cell if cell.ndim == 2 else cell.transpose(1, 2, 0).squeeze())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(Path(cell) if isinstance(cell, str) else io.BytesIO(cell), formats=FORMATS)
    if image.width * image.height > MOST:
        width, height = image.size
        image.close()
        raise PictureError(say("{width} x {height} pixels are too many", width=width, height=height))
    return image


def head(cell: Cell) -> tuple[bool, tuple[int, int]]:
    """Whether it is grey, and its height and width when it stands upright."""
    with opened(cell) as image:
        height, width = image.height, image.width
        on_its_side = image.getexif().get(ROTATED, 1) in (5, 6, 7, 8)
        return image.mode in GREY, (width, height) if on_its_side else (height, width)


def developed(cell: Cell, channels: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (C, H, W). What is transparent shows white; another size is resampled bilinearly, with antialiasing."""
    with opened(cell) as image:
        upright = ImageOps.exif_transpose(image)
        plain = _without_depth(upright)
        shown = _on_white(plain).convert("L" if channels == 1 else "RGB")
        height, width = size
        if shown.size != (width, height):
            shown = shown.resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(shown)
    return values[None] if channels == 1 else values.transpose(2, 0, 1)


def _without_depth(image: Image.Image) -> Image.Image:
    """16 bits a pixel brought to 8."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
