"""What a reader must know that knows no modelwright, as plain facts: codec.json of an export."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import polars as pl

from modelwright.data.codecs.columns import Columns
from modelwright.data.codecs.columns.table import Number, Table
from modelwright.data.codecs.labels import Labels, NumberLabels
from modelwright.data.codecs.pictures.gallery import Gallery
from modelwright.data.codecs.sounds.spectra import Spectra
from modelwright.data.codecs.words import Words
from modelwright.data.codecs.words.texts import IDEOGRAPHS, Texts
from modelwright.nouns import Codec, Refused
from modelwright.reader import kind
from modelwright.wording import say

Exportable: TypeAlias = Table | Gallery | Texts
SURROGATES = range(0xD800, 0xE000)


def exportable(codec: Codec) -> Exportable:
    """Refused: a codec that answer.py does not know."""
    if isinstance(codec, (Table, Gallery, Texts)):
        return codec
    if isinstance(codec, Spectra):
        told = say(
            "Recordings cannot be exported: their spectra are made outside the network, and a graph that begins at spectra "
            "cannot be proved on raw rows."
        )
        raise Refused(told, say("Serve it in place of that: modelwright serve ARTIFACT."))
    named = {"codec": kind(type(codec.encoding))}
    told = say("The codec {codec} cannot be exported yet: tables, pictures, words and characters can.", **named)
    raise Refused(told, say("Serve it in place of that: modelwright serve ARTIFACT."))


def facts(codec: Exportable) -> dict[str, Any]:
    """All that answer.py asks for."""
    return {**_inputs(codec), "label": _label(codec.labels)}


def _decimal(encoding: Columns) -> dict[str, Any]:
    """Where it is no point; and the columns whose cells stay as they are spelled."""
    return {} if encoding.decimal == "." else {"decimal": encoding.decimal, "spelled": list(encoding.categories)}


def _inputs(codec: Exportable) -> Mapping[str, Any]:
    if isinstance(codec, Table):
        columns: list[dict[str, Any]] = []
        for column in codec.columns:
            told: dict[str, Any] = {"name": column.name, "kind": column.kind, "fill": column.fill, "flagged": column.flagged}
            if isinstance(column, Number):
                columns.append(told | {"mean": column.mean, "spread": column.spread})
            else:
                columns.append(told | {"values": list(column.values)})
        return {"kind": "table", "columns": columns, "blanks": list(codec.encoding.blanks), **_decimal(codec.encoding)}
    if isinstance(codec, Gallery):
        image = codec.image
        size = {"channels": image.channels, "height": image.height, "width": image.width}
        return {"kind": "pictures", "column": codec.encoding.column, **size}
    told = {"column": codec.encoding.column, "longest": codec.encoding.longest, "vocabulary": codec.vocabulary.to_list()}
    if not isinstance(codec.encoding, Words):
        return {"kind": "texts", "tokens": "characters", **told}
    signs = rf"^[{IDEOGRAPHS}]$"
    return {
        "kind": "texts",
        "tokens": "words",
        "ideographs": spans(signs),
        "letters": spans(rf"^[\w--[{IDEOGRAPHS}]]$"),
        **told,
    }


def _label(labels: Labels) -> dict[str, Any]:
    if isinstance(labels, NumberLabels):
        return {"kind": "number", "column": labels.column, "mean": labels.mean, "spread": labels.spread}
    return {"kind": "class", "column": labels.column, "names": list(labels.names)}


@cache
def spans(pattern: str) -> list[list[int]]:
    """[first, last] of the code points that the codec's own regular expressions take for such: other languages' differ."""
    points = pl.Series([point for point in range(0x110000) if point not in SURROGATES])
    signs = pl.Series([chr(point) for point in points.to_list()])
    found: list[list[int]] = []
    for point in points.filter(signs.str.contains(pattern)).to_list():
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found
