"""What a model wants to be told, column by column with an example, read off its codec. Knows no request."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from typing import Literal

from modelwright.data.codecs import Characters, Columns, LogMel, Pictures, Sentences, Tags, Texts, Words
from modelwright.nouns import Codec, Image
from modelwright.serving.asking import Cell, Question, Wanted
from modelwright.wording import say


@dataclass(frozen=True)
class Field:
    """One column to fill in."""

    name: str
    kind: Literal["number", "category", "text", "words", "picture", "sound"]
    example: str | tuple[str, ...]
    """As it stands in JSON: of words a list; a picture or a recording in base64."""
    choices: tuple[str, ...] = ()
    """The values of a category that training rows had."""
    between: str = " "
    """What stands between two words where they make a text."""

    @property
    def cell(self) -> Cell:
        if isinstance(self.example, tuple):
            return json.dumps(self.example, ensure_ascii=False)
        return base64.b64decode(self.example) if self.kind in ("picture", "sound") else self.example


def fields(codec: Codec) -> tuple[Field, ...]:
    """None for a codec of the user's own: what it reads it alone knows."""
    encoding = codec.encoding
    match encoding:
        case Columns():
            return _of_table(codec)
        case Pictures():
            return (Field(encoding.column, "picture", base64.b64encode(_grey(codec)).decode()),)
        case LogMel():
            return (Field(encoding.column, "sound", base64.b64encode(_silence(codec)).decode()),)
        case Words() | Characters() | Texts():
            return (Field(encoding.column, "text", say("Some words to try it with.")),)
        case Sentences():
            return (Field(encoding.column, "text", say("A cat sleeps on the sofa.")),)
        case Tags():
            words = tuple(say("Ada Lovelace was born in London .").split())
            return (Field(encoding.column, "words", words, between=encoding.between),)
        case _:
            return ()


def _of_table(codec: Codec) -> tuple[Field, ...]:
    from modelwright.data.codecs.columns.table import Number, Table

    assert isinstance(codec, Table)
    return tuple(
        Field(column.name, "number", f"{column.mean:.4g}")
        if isinstance(column, Number)
        else Field(column.name, "category", column.values[0] if column.values else "", column.values)
        for column in codec.columns
    )


def _grey(codec: Codec) -> bytes:
    """A PNG of the middle grey, in the size that the model reads."""
    from PIL import Image as Pillow

    kind = codec.reads[0].kind
    assert isinstance(kind, Image)
    file = io.BytesIO()
    Pillow.new("L" if kind.channels == 1 else "RGB", (kind.width, kind.height), "#808080").save(file, "PNG")
    return file.getvalue()


def _silence(codec: Codec) -> bytes:
    """A WAV file of a tenth of a second, at the rate that the model hears."""
    import numpy as np
    from scipy.io import wavfile

    from modelwright.data.codecs.sounds.spectra import Spectra

    assert isinstance(codec, Spectra)
    file = io.BytesIO()
    wavfile.write(file, codec.rate, np.zeros(codec.rate // 10, np.int16))
    return file.getvalue()


def wanted(codec: Codec) -> Wanted:
    encoding = codec.encoding
    known = (*(field.name for field in fields(codec)), encoding.label)
    names = tuple(name for name in known if name is not None)
    match encoding:
        case Pictures():
            return Wanted(names, encoding.column, "image")
        case LogMel():
            return Wanted(names, encoding.column, "audio")
        case Sentences():
            partners = (encoding.positive, encoding.negative, encoding.score)
            return Wanted((*names, *(name for name in partners if name is not None)))
        case _:
            return Wanted(names)


def example(codec: Codec) -> Question | None:
    """One row to answer, to see that the model does; None where nobody knows one."""
    known = fields(codec)
    return Question({field.name: [field.cell] for field in known}, 1) if known else None
