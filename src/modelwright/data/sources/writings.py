"""The characters of a text file: which encoding it is in, strictly, and its text as UTF-8 bytes. Knows no format.

"auto" is UTF-8 where the whole file is that, UTF-16 where it begins with its mark, GB18030 (which holds GBK and GB2312) where
the whole file is that and reads as Chinese. Nothing is ever replaced or skipped.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from modelwright.data.sources.files import BLOCK, blocks, opened
from modelwright.nouns import Refused
from modelwright.wording import say

Writing: TypeAlias = Literal["auto", "utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc_kr", "utf-16", "cp1252", "latin-1"]

CHINESE = re.compile("[\u4e00-\u9fff]")
FOREIGN = re.compile(r"[^\x00-\x7f]")
USUAL = 0.7
"""The share of a Chinese text that is signs or among the 3,755 usual characters of GB2312 (rows 1 to 55): more in any real
one, and next to none where "Köln" in Latin-1 happens to decode."""
MARK = codecs.BOM_UTF8


def utf8(path: Path, encoding: Writing, size: int = BLOCK) -> Iterator[bytes]:
    """The text of the file as UTF-8 without a mark, lines ended by \\n or \\r\\n, `size` bytes at a time or so.

    Refused: a byte that is not of this encoding, with its line and what to write in the recipe."""
    chosen = _decided(path, encoding)
    pieces = blocks(path, size) if chosen == "utf-8" else (text.encode() for text in _texts(path, chosen, size))
    bare: bool | None = None
    for piece in pieces:
        if bare is None:
            piece = piece.removeprefix(MARK)
            bare = b"\r" in piece and b"\n" not in piece
        yield piece.replace(b"\r", b"\n") if bare else piece


def text(path: Path, encoding: Writing) -> str:
    """The whole text of one file."""
    return b"".join(utf8(path, encoding)).decode()


class UndecodableError(Exception):
    """A byte, and the line that it is in, counted from 1."""

    def __init__(self, byte: int, line: int) -> None:
        super().__init__(byte, line)
        self.byte, self.line = byte, line


def _decided(path: Path, encoding: Writing) -> str:
    """The encoding to read with; UTF-8 has been tried over the whole file, strictly."""
    if encoding not in ("auto", "utf-8"):
        return encoding
    if encoding == "auto":
        with opened(path) as file:
            start = file.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    try:
        _scan(path, "utf-8")
    except UndecodableError as wrong:
        if encoding == "auto" and _is_chinese(path):
            return "gb18030"
        raise Refused(*_bad_byte(path, "UTF-8", wrong)) from None
    return "utf-8"


def _is_chinese(path: Path) -> bool:
    """Whether all of it decodes as GB18030 and most of what is not ASCII is usual Chinese."""
    chinese, foreign, usual = False, 0, 0
    try:
        for piece in _decoded(path, "gb18030", BLOCK):
            chinese = chinese or bool(CHINESE.search(piece))
            signs = "".join(FOREIGN.findall(piece))
            known = signs.encode("gb2312", "ignore")[::2]  # the row of each sign, counted from 0xa1
            foreign, usual = foreign + len(signs), usual + sum(row <= 0xA0 + 55 for row in known)
    except UndecodableError:
        return False
    return chinese and usual >= USUAL * foreign


def _scan(path: Path, encoding: str) -> None:
    """Reads all of it, strictly."""
    for _ in _decoded(path, encoding, BLOCK):
        pass


def _texts(path: Path, encoding: str, size: int) -> Iterator[str]:
    try:
        yield from _decoded(path, encoding, size)
    except UndecodableError as wrong:
        raise Refused(*_bad_byte(path, encoding, wrong)) from None


def _decoded(path: Path, encoding: str, size: int) -> Iterator[str]:
    """The text, piece by piece. In UTF-8, which is only scanned, a piece of pure ASCII is told as an empty one."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    before = 0
    for block in blocks(path, size):
        if encoding == "utf-8" and block.isascii() and not decoder.getstate()[0]:
            yield ""
        else:
            yield _decode(decoder, path, block, before)
        before += len(block)
    yield _decode(decoder, path, b"", before, final=True)


def _decode(decoder: codecs.IncrementalDecoder, path: Path, block: bytes, before: int, final: bool = False) -> str:
    """The text of a block with so many bytes before it. What is wrong is looked for again from the start, to count lines."""
    try:
        return decoder.decode(block, final)
    except UnicodeDecodeError as error:
        place = before + len(block) - len(error.object) + error.start
        raise UndecodableError(error.object[error.start], _line(path, place, error.encoding)) from None
    except UnicodeError:  # utf-16 without a mark
        raise UndecodableError(block[0] if block else 0, 1) from None


def _line(path: Path, place: int, encoding: str) -> int:
    """The line, counted from 1, of the byte at this place."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    line = 1
    for block in blocks(path):
        line += decoder.decode(block[:place]).count("\n")
        place -= len(block)
        if place <= 0:
            break
    return line


def _bad_byte(path: Path, encoding: str, wrong: UndecodableError) -> tuple[str, str]:
    facts = {"path": path, "line": f"{wrong.line:,}", "byte": f"0x{wrong.byte:02x}", "encoding": encoding}
    told = say("{path}, line {line}: byte {byte} is not {encoding}, so the text is written in something else.", **facts)
    way = say(
        'Say in what:   [data]  encoding = "gb18030"   (or {others}); on the command line:   --set data.encoding=gb18030',
        others='"latin-1", "cp1252", "big5", "shift_jis", "utf-16"',
    )
    return told, way


def lines(path: Path, encoding: Writing) -> Iterator[str]:
    """Every line without its end. Only \\n, \\r\\n and, in files that know no other, \\r end a line."""
    left = b""
    for piece in utf8(path, encoding):
        *whole, left = (left + piece).split(b"\n")
        yield from (line.removesuffix(b"\r").decode() for line in whole)
    if left:
        yield left.removesuffix(b"\r").decode()
