"""Pictures: formats, paths and arrays give the same bytes; upright, in the learned channels and size; bad ones are faults."""

import io
import struct
import zlib

import numpy as np
import polars as pl
import pytest
from PIL import Image

from modelwright.data.codecs import Pictures
from modelwright.nouns import Image as ImagePort
from modelwright.nouns import Refused, Rows

DICE = np.random.default_rng(0)
GREY = DICE.integers(0, 256, (6, 5, 7), dtype=np.uint8)
COLOUR = DICE.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
LABELS = ["a", "b"] * 3


def encoded(values, kind="PNG", **options):
    buffer = io.BytesIO()
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rows_of(pictures, dtype=None):
    column = pl.Series("picture", pictures, dtype=dtype)
    return Rows(np.arange(len(column)) + 10, pl.DataFrame([column, pl.Series("label", (LABELS * 9)[: len(column)])]))


def fitted(rows, **fields):
    return Pictures(**fields).fit(lambda: iter([rows]))


def test_arrays_files_and_paths_are_the_same(tmp_path):
    paths = []
    for place, values in enumerate(GREY):
        path = tmp_path / f"图 {place}.png"
        path.write_bytes(encoded(values))
        paths.append(str(path))
    codec = fitted(rows_of(pl.Series(GREY)))
    files = [[encoded(values, kind) for values in GREY] for kind in ("PNG", "BMP", "TIFF")]
    for pictures in (paths, *files, GREY, GREY[:, None]):
        rows = rows_of(pictures)
        batch, faults = codec.encode(rows)
        np.testing.assert_array_equal(batch["inputs"].numpy(), GREY[:, None])
        assert not len(faults) and fitted(rows).state() == codec.state()


def test_colour_arrays_stand_with_channels_first():
    codec = fitted(rows_of(pl.Series(COLOUR.transpose(0, 3, 1, 2).copy())))
    files = codec.encode(rows_of([encoded(values) for values in COLOUR]))[0]["inputs"]
    np.testing.assert_array_equal(files.numpy(), COLOUR.transpose(0, 3, 1, 2))


def test_mean_and_spread_are_numpys():
    port = fitted(rows_of([encoded(values) for values in COLOUR])).reads[0].kind
    assert port == ImagePort(3, 5, 7, port.mean, port.spread)
    np.testing.assert_allclose(port.mean, COLOUR.reshape(-1, 3).mean(0), rtol=1e-12)
    np.testing.assert_allclose(port.spread, COLOUR.reshape(-1, 3).std(0), rtol=1e-12)


def test_one_in_colour_makes_all_colour():
    rows = rows_of([encoded(GREY[0]), encoded(COLOUR[1])])
    batch, _ = fitted(rows).encode(rows)
    assert batch["inputs"].shape == (2, 3, 5, 7)
    assert (batch["inputs"][0] == batch["inputs"][0, :1]).all()


def test_a_grey_codec_reads_colour_and_a_colour_one_grey_arrays():
    grey = fitted(rows_of(pl.Series(GREY)))
    wanted = np.stack([np.asarray(Image.fromarray(values).convert("L")) for values in COLOUR])
    for pictures in ([encoded(values) for values in COLOUR], COLOUR.transpose(0, 3, 1, 2).copy()):
        np.testing.assert_array_equal(grey.encode(rows_of(pictures))[0]["inputs"][:, 0].numpy(), wanted)
    colour = fitted(rows_of([encoded(values) for values in COLOUR]))
    np.testing.assert_array_equal(colour.encode(rows_of(GREY))[0]["inputs"].numpy(), np.repeat(GREY[:, None], 3, axis=1))


def test_sizes_must_agree_or_be_said():
    rows = rows_of([encoded(GREY[0]), encoded(GREY[1]), encoded(GREY[2][:, :4])])
    with pytest.raises(Refused, match=r"2 different sizes.*size = \[5, 7\]"):
        fitted(rows)
    batch, faults = fitted(rows, size=(5, 7)).encode(rows)
    resized = np.asarray(Image.fromarray(GREY[2][:, :4]).resize((7, 5), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(batch["inputs"][2, 0].numpy(), resized)
    np.testing.assert_array_equal(batch["inputs"][0, 0].numpy(), GREY[0])
    assert not len(faults)


def test_a_smaller_picture_is_an_average_not_a_pick():
    chess = np.indices((40, 40)).sum(0).astype(np.uint8) % 2 * 255
    rows = rows_of([encoded(chess), encoded(chess)])
    small = fitted(rows, size=(4, 4)).encode(rows)[0]["inputs"]
    assert 110 < small.float().mean() < 145 and small.float().std() < 20


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_turn_is_undone(orientation):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255
    turns = ["FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270"]
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose[turns[orientation - 2]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    rows = rows_of([encoded(stored, exif=exif), encoded(upright)])
    batch, faults = fitted(rows).encode(rows)
    np.testing.assert_array_equal(batch["inputs"][0, 0].numpy(), upright)
    assert not len(faults)


def test_transparency_shows_white_and_sixteen_bits_become_eight():
    clear = np.zeros((5, 7, 4), np.uint8)
    rows = rows_of([encoded(clear), encoded(COLOUR[0])])
    assert (fitted(rows).encode(rows)[0]["inputs"][0] == 255).all()
    deep = Image.fromarray(np.full((5, 7), 0x8000, np.uint16))
    rows = rows_of([encoded(deep), encoded(GREY[0])])
    batch, _ = fitted(rows).encode(rows)
    assert batch["inputs"].shape[1] == 1 and (batch["inputs"][0] == 128).all()


def bomb(width=20_000, height=20_000):
    """A PNG of a few bytes that says it is 400 megapixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"


@pytest.mark.parametrize("bad", [b"no picture", b"", None, encoded(GREY[0])[:-30], bomb(), bomb(9000, 9000), POSTSCRIPT])
def test_a_bad_picture_is_a_fault_and_the_others_go_on(bad):
    good = [encoded(values) for values in GREY]
    codec = fitted(rows_of(pl.Series(GREY)))
    rows = rows_of([*good[:2], bad, *good[2:]], dtype=pl.Binary)
    batch, faults = codec.encode(rows)
    assert faults["row"].to_list() == [12] and faults["sentence"][0].startswith("The picture cannot be read: ")
    assert not batch["inputs"][2].any()
    np.testing.assert_array_equal(batch["inputs"][[0, 1, 3, 4, 5, 6], 0].numpy(), GREY)
    if not bad or bad in (b"no picture", POSTSCRIPT):
        assert fitted(rows).image == codec.image


def test_a_path_that_is_not_there_is_a_fault(tmp_path):
    codec = fitted(rows_of(pl.Series(GREY)))
    _, faults = codec.encode(rows_of([str(tmp_path / "gone.png")]))
    assert len(faults) == 1 and "gone.png" in faults["sentence"][0]


def test_other_things_are_refused():
    with pytest.raises(Refused, match="not pictures"):
        fitted(rows_of([1.0, 2.0]))
    with pytest.raises(Refused, match="can be read"):
        fitted(rows_of([b"x", b"y"]))
    with pytest.raises(Refused, match="lack"):
        fitted(rows_of(pl.Series(GREY)), column="image")
