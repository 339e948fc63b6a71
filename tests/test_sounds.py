"""Recordings: every WAV format to its samples, broken files to a sentence, and the log-mel spectra that are the formula's."""

import base64
import io
import json
import struct
import wave
from math import gcd
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import wavfile
from scipy.signal import resample_poly

from modelwright import data, life
from modelwright.__main__ import main
from modelwright.data.codecs import LogMel
from modelwright.data.codecs.sounds import recordings
from modelwright.data.codecs.sounds.mel import filters, scale, spectra
from modelwright.data.codecs.sounds.recordings import RecordingError, head, heard, resampled, samples
from modelwright.data.sources import Sounds
from modelwright.evaluation import answer_rows
from modelwright.folder import RunFolder
from modelwright.models import CNN, LSTM, build
from modelwright.nouns import Refused, Rows, Series
from modelwright.recipe import open_recipe
from modelwright.report import pictures
from modelwright.report.pictures import show

DICE = np.random.default_rng(0)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def form(coding=1, channels=1, rate=8000, bits=16, width=None, extensible=False) -> bytes:
    width = width or -(-bits // 8)
    block = width * channels
    plain = struct.pack("<HHIIHH", 0xFFFE if extensible else coding, channels, rate, rate * block % 2**32, block, bits)
    more = struct.pack("<HHIH", 22, bits, 0, coding) + bytes.fromhex("000000001000800000aa00389b71")
    return plain + more if extensible else plain


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(sound: np.ndarray, rate: int = 8000) -> bytes:
    """int16 (N,) or (N, C), by the standard library."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1 if sound.ndim == 1 else sound.shape[1], 2, rate, 0, "NONE", ""))
        file.writeframes(sound.astype("<i2").tobytes())
    return buffer.getvalue()


def read(file: bytes) -> np.ndarray:
    return samples(file, head(file), 10**9)


def problem(file: bytes | str | None) -> str:
    with pytest.raises(RecordingError) as wrong:
        heard(file, 8000, 1.0)
    return str(wrong.value)


# --- WAV ----------------------------------------------------------------------------------------------------------------

FORMATS = {"u1": 128, "i2": 2**15, "i4": 2**31, "f4": 1, "f8": 1}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(FORMATS)), st.integers(1, 3), st.integers(1, 60), st.sampled_from([8000, 44100]), st.integers(0, 99)
)
def test_every_format_that_scipy_writes_is_read_as_scipy_reads_it(kind, channels, length, rate, seed):
    dice = np.random.default_rng(seed)
    whole = kind[0] in "ui"
    limits = np.iinfo(kind) if whole else None
    given = (
        dice.integers(limits.min, limits.max, (length, channels), dtype=kind, endpoint=True)
        if limits
        else dice.uniform(-1, 1, (length, channels)).astype(kind)
    )
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, given)
    found, told = read(buffer.getvalue()), head(buffer.getvalue())
    _, values = wavfile.read(io.BytesIO(buffer.getvalue()))
    wanted = (values.reshape(length, channels).astype(np.float64) - (128 if kind == "u1" else 0)) / FORMATS[kind]
    assert (told.rate, told.channels, told.length) == (rate, channels, length)
    np.testing.assert_allclose(found, wanted.mean(axis=1), atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 3, 4]), st.integers(1, 3), st.binary(min_size=12, max_size=200), st.booleans())
def test_integers_of_every_width_are_what_the_standard_library_reads(width, channels, raw, extensible):
    raw = raw[: len(raw) // (width * channels) * width * channels]
    file = riff(chunk(b"fmt ", form(1, channels, 8000, 8 * width, extensible=extensible)), chunk(b"data", raw))
    if not extensible:  # which wave does not read before Python 3.12
        with wave.open(io.BytesIO(file)) as told:
            assert told.readframes(told.getnframes()) == raw and told.getframerate() == head(file).rate
    whole = [int.from_bytes(raw[at : at + width], "little", signed=width > 1) for at in range(0, len(raw), width)]
    values = (np.array(whole, float) - (128 if width == 1 else 0)) / 2.0 ** (8 * width - 1)
    np.testing.assert_allclose(read(file), values.reshape(-1, channels).mean(axis=1), atol=1e-7)


def test_twenty_bits_in_three_bytes_and_floats_in_an_extensible_format():
    loud = chunk(b"data", b"\0\0\x40")
    assert read(riff(chunk(b"fmt ", form(1, 1, 8000, 20, extensible=True)), loud)) == 0.5
    half = chunk(b"data", struct.pack("<2f", 0.5, -0.25))
    assert read(riff(chunk(b"fmt ", form(3, 2, 8000, 32, extensible=True)), half)) == 0.125


def test_other_chunks_of_odd_length_lie_before_the_sound_and_after():
    sound = chunk(b"data", struct.pack("<3h", 1, 2, 3))
    file = riff(chunk(b"LIST", b"odd"), chunk(b"fmt ", form()), chunk(b"fact", b"x"), sound, chunk(b"LIST", b"later"))
    np.testing.assert_array_equal(read(file) * 2**15, [1, 2, 3])


def test_a_sound_of_untold_length_goes_to_the_end_of_the_file():
    file = bytearray(riff(chunk(b"fmt ", form()), chunk(b"data", struct.pack("<3h", 1, 2, 3))))
    file[40:44] = b"\xff" * 4
    assert head(bytes(file)).length == 3


@pytest.mark.parametrize("kind", ["plain", "extensible", "float"])
def test_every_beginning_of_a_file_is_a_fault(kind):
    told = {"plain": form(), "extensible": form(extensible=True), "float": form(3, bits=32)}[kind]
    file = riff(chunk(b"LIST", b"abc"), chunk(b"fmt ", told), chunk(b"data", b"\0\0\x80\x3f" * 4))
    assert len(read(file))
    for end in range(len(file)):
        assert problem(file[:end]), end


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60), st.binary(min_size=1, max_size=6))
def test_bytes_written_anywhere_are_read_or_a_fault(place, spoilt):
    file = bytearray(riff(chunk(b"fmt ", form(channels=2)), chunk(b"data", bytes(range(16)))))
    file[place : place + len(spoilt)] = spoilt
    try:
        assert np.isfinite(heard(bytes(file), 8000, 1.0)).all()
    except RecordingError as wrong:
        assert str(wrong)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (None, "there is none"),
        (b"", "it is empty"),
        (b"hello", "it is not a WAV file"),
        (b"fLaC" + bytes(50), "it is FLAC, not WAV"),
        (riff(chunk(b"fmt ", form())), "it is cut short: its samples are not there"),
        (riff(chunk(b"fmt ", form()), chunk(b"data", b"")), "there is no sound in it"),
        (riff(chunk(b"data", b"1234")), "its samples come before it says what they are"),
        (riff(chunk(b"fmt ", form(7, bits=8)), chunk(b"data", b"12")), "its samples are coded in way 7; "),
        (riff(chunk(b"fmt ", form(extensible=True)[:26] + bytes(14)), chunk(b"data", b"12")), "coded in way 65534; "),
        (riff(chunk(b"fmt ", form(channels=0)), chunk(b"data", b"12")), "0 channels; 1 to 32 are read"),
        (riff(chunk(b"fmt ", form(channels=999)), chunk(b"data", b"12")), "999 channels; "),
        (riff(chunk(b"fmt ", form(rate=7)), chunk(b"data", b"12")), "7 samples a second; 1,000 to 384,000 are read"),
        (riff(chunk(b"fmt ", form(rate=2**31)), chunk(b"data", b"12")), "2,147,483,648 samples a second; "),
        (
            riff(chunk(b"fmt ", form(bits=64)), chunk(b"data", b"12345678")),
            "samples of 64 bits in blocks of 8 bytes are not read",
        ),
        (riff(chunk(b"fmt ", form(width=3)), chunk(b"data", b"123")), "samples of 16 bits in blocks of 3 bytes are not read"),
        (
            riff(chunk(b"fmt ", form())) + b"data\xff\xff\xff\x7f12",
            "it is cut short: 2 of 2,147,483,647 bytes of sound are there",
        ),
        (riff(chunk(b"fmt ", form(3, bits=32)), chunk(b"data", struct.pack("<f", np.nan))), "a sample is no number "),
        (riff(chunk(b"fmt ", form(3, bits=64)), chunk(b"data", struct.pack("<d", 1e300))), "a sample is no number "),
        ("gone.wav", "there is no file gone.wav"),
        ("a\0b.wav", "embedded null byte"),
    ],
)
def test_what_cannot_be_read_says_why(file, told):
    assert problem(file).startswith(told) or told in problem(file)


def test_a_file_that_is_too_large_is_not_opened(monkeypatch, tmp_path):
    monkeypatch.setattr(recordings, "MOST_BYTES", 10)
    (tmp_path / "a.wav").write_bytes(bytes(11))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    assert problem(str(tmp_path / "a.wav")) == problem(bytes(11)) == "11 bytes are too many, the most is 10"


# --- one rate, one channel, so long and no longer -----------------------------------------------------------------------


@pytest.mark.parametrize(("given", "wanted"), [(44100, 8000), (48000, 16000), (8000, 16000), (11025, 8000), (22050, 16000)])
def test_another_rate_is_scipys_polyphase_filter(given, wanted):
    sound = DICE.uniform(-1, 1, 3000).astype(np.float32)
    common = gcd(given, wanted)
    np.testing.assert_allclose(
        resampled(sound, given, wanted), resample_poly(sound.astype(float), wanted // common, given // common), atol=1e-5
    )


def test_a_file_of_another_rate_is_heard_at_the_one_that_is_asked_for():
    sound = DICE.integers(-9000, 9000, 4410)
    np.testing.assert_allclose(heard(wav(sound, 44100), 8000, 1.0), resampled((sound / 2**15).astype(np.float32), 44100, 8000))


@pytest.mark.parametrize("given", [8001, 44101, 383_987])
def test_an_odd_rate_keeps_pitch_and_length(given):
    tone = np.sin(2 * np.pi * 440 * np.arange(given) / given).astype(np.float32)
    found = resampled(tone, given, 8000)
    assert abs(len(found) - 8000) <= 1
    np.testing.assert_allclose(found[200:7800], np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)[200:7800], atol=0.05)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_what_is_cut_off_changes_nothing_before_it(rate):
    sound = DICE.integers(-9000, 9000, rate)
    half, whole = heard(wav(sound, rate), 8000, 0.5), heard(wav(sound, rate), 8000, 1.0)
    assert len(half) == 4000
    np.testing.assert_allclose(half, whole[:4000], atol=1e-6)


# --- log-mel ------------------------------------------------------------------------------------------------------------


def slaney(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def by_hand(sound: np.ndarray, rate: int, window: int, hop: int, mels: int) -> np.ndarray:
    """(T, F) from the formulas alone, in float64: the DFT as a sum, each triangle between three centres (librosa's default)."""
    size = 2 ** int(np.ceil(np.log2(window)))
    frames = max(1, int(np.ceil((len(sound) - window) / hop)) + 1)
    padded = np.concatenate([sound, np.zeros(frames * hop + window)])
    time, bins = np.arange(window), np.arange(size // 2 + 1)
    hann = np.sin(np.pi * time / window) ** 2
    turning = np.exp(-2j * np.pi * np.outer(time, bins) / size)
    power = np.array([np.abs((padded[t * hop : t * hop + window] * hann) @ turning) ** 2 for t in range(frames)])
    grid = np.linspace(0, rate / 2, 2_000_001)
    scale_of_grid = np.array([slaney(hertz) for hertz in grid[::100]])
    centres = np.interp(np.linspace(0, slaney(rate / 2), mels + 2), scale_of_grid, grid[::100])
    found = np.zeros((frames, mels))
    for band in range(mels):
        low, centre, high = centres[band : band + 3]
        height = np.interp(bins * rate / size, [low, centre, high], [0, 2 / (high - low), 0], left=0, right=0)
        found[:, band] = power @ height
    return np.log(np.maximum(found, 1e-10))


@pytest.mark.parametrize(("rate", "window", "hop", "mels"), [(8000, 256, 128, 40), (16000, 400, 160, 64), (8000, 100, 100, 8)])
@pytest.mark.parametrize("length", [1, 99, 256, 257, 3001])
def test_spectra_are_the_formulas(rate, window, hop, mels, length):
    sound = DICE.uniform(-1, 1, length)
    looked = scale(rate, window / rate, hop / rate, mels)
    found, counts = spectra([sound.astype(np.float32)], looked)
    wanted = by_hand(sound.astype(np.float32).astype(float), rate, window, hop, mels)
    assert (looked.window, looked.hop, counts.tolist()) == (window, hop, [len(wanted)])
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_a_pure_tone_is_loudest_in_its_band():
    looked = scale(8000, 0.032, 0.016, 40)
    centres = (np.arange(129) * 8000 / 256) @ filters(looked) / filters(looked).sum(axis=0)
    for hertz in (200, 700, 1500, 3000):
        found, _ = spectra([np.sin(2 * np.pi * hertz * np.arange(4000) / 8000)], looked)
        assert abs(centres[found.mean(axis=0).argmax()] - hertz) < max(60, 0.06 * hertz)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6), st.integers(1, 40))
def test_a_sound_has_the_same_spectra_bit_for_bit_in_any_company(lengths, at_once):
    sounds = [np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32) for length in lengths]
    looked = scale(8000, 0.032, 0.016, 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelwright.data.codecs.sounds.mel.AT_ONCE", at_once)
        together, counts = spectra(sounds, looked)
    alone = [spectra([sound], looked)[0] for sound in sounds]
    assert counts.tolist() == [len(one) for one in alone]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_bands_that_hear_nothing_and_gaps_between_windows_are_refused():
    with pytest.raises(Refused, match=r"codec\.mels = 200 is too many for windows of 256 samples at 8,000 Hz: "):
        scale(8000, 0.032, 0.016, 200)
    with pytest.raises(Refused, match=r"codec.hop = 0.05 is longer than codec.window = 0.032"):
        scale(8000, 0.032, 0.05, 40)


# --- the codec ----------------------------------------------------------------------------------------------------------


def rows_of(sounds, labels=None, dtype=None) -> Rows:
    columns = [pl.Series("sound", sounds, dtype=dtype)]
    columns += [] if labels is None else [pl.Series("label", labels)]
    return Rows(np.arange(len(sounds)) + 10, pl.DataFrame(columns))


def noise(n: int = 8, rate: int = 8000) -> list[bytes]:
    return [wav(DICE.integers(-9000, 9000, 500 + 90 * place), rate) for place in range(n)]


def fitted(rows: Rows, **fields):
    return LogMel(**{"mels": 10, "longest": 0.2, **fields}).fit(lambda: iter([rows]))


def test_mean_and_spread_are_those_of_the_real_training_frames():
    files = noise()
    codec = fitted(rows_of(files, ["a", "b"] * 4))
    batch, faults = codec.encode(rows_of(files))
    real = batch["inputs"][batch["mask"]].double()
    assert not len(faults) and batch["mask"].sum(1).tolist() == [
        1 + -(-max(0, min(1600, 500 + 90 * i) - 256) // 128) for i in range(8)
    ]
    torch.testing.assert_close(real.mean(0), torch.zeros(10).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(real.std(0, correction=0), torch.ones(10).double(), atol=1e-6, rtol=0)
    assert not batch["inputs"][~batch["mask"]].any()
    assert codec.reads[0].kind == Series(10, 12) and batch["mask"].shape[1] <= 12


def test_paths_and_bytes_and_another_company_are_the_same_bits(tmp_path):
    files = noise()
    codec = fitted(rows_of(files, ["a", "b"] * 4))
    paths = [str(tmp_path / f"声 {place}.wav") for place in range(len(files))]
    for path, file in zip(paths, files):
        Path(path).write_bytes(file)
    whole = codec.encode(rows_of(files))[0]
    assert torch.equal(codec.encode(rows_of(paths))[0]["inputs"], whole["inputs"])
    for place, file in enumerate(files):
        one = codec.encode(rows_of([file]))[0]["inputs"][0]
        assert torch.equal(one, whole["inputs"][place, : len(one)])


def test_the_rate_is_what_most_training_recordings_have():
    rows = rows_of([*noise(3, 8000), *noise(2, 16000), b"broken"], list("ababab"))
    assert fitted(rows).rate == 8000
    assert fitted(rows.take(np.arange(1, 5))).rate == 16000, "of two that come equally often, the higher"
    assert fitted(rows, rate=11025).rate == 11025


def test_broken_recordings_teach_nothing_and_are_faults():
    good = noise(4)
    bad = [b"", None, b"not a sound", good[0][:60]]
    codec = fitted(rows_of([*good, *bad], ["a", "b"] * 4))
    assert codec.state() == fitted(rows_of(good, ["a", "b"] * 2)).state()
    batch, faults = codec.encode(rows_of([*bad, good[0]]))
    assert faults["row"].to_list() == [10, 11, 12, 13] and set(faults["column"]) == {"sound"}
    assert faults["sentence"][0] == "The recording cannot be read: it is empty."
    assert batch["mask"].any(1).tolist() == [False] * 4 + [True]
    with pytest.raises(Refused, match='No training recording in column "sound" can be read'):
        fitted(rows_of(bad, ["a", "b"] * 2))


def test_a_column_that_holds_no_recordings_is_refused():
    with pytest.raises(Refused, match='Column "sound" holds Int64, not recordings'):
        fitted(rows_of([1, 2], ["a", "b"]))


@pytest.mark.parametrize("family", [CNN(((4,), (5,)), (6,)), LSTM(width=5, both_ways=True)], ids=str)
def test_a_recording_is_answered_alike_alone_and_beside_longer_and_broken_ones(family):
    files = noise()
    codec = fitted(rows_of(files, ["a", "b"] * 4))
    module = build(family, codec.reads, codec.writes, seed=0)
    among = answer_rows(module, codec, rows_of([files[0], files[7], b"broken"])).frame
    alone = answer_rows(module, codec, rows_of([files[0]])).frame
    assert among["fault"].is_null().to_list() == [True, True, False] and among["answer"][2] is None
    np.testing.assert_allclose(among["chances"][0].to_list(), alone["chances"][0].to_list(), atol=2e-6)
    assert answer_rows(module, codec, rows_of([b"broken"])).frame["answer"].to_list() == [None]


# --- sources ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three notes, a folder each: low, middle and high, 30 recordings of 0.1 to 0.2 s, at 8 kHz and some at 11,025 Hz."""
    dice = np.random.default_rng(3)
    for label, hertz in (("high", 1760), ("low", 220), ("middle", 660)):
        (tmp_path / "notes" / label).mkdir(parents=True)
        for place in range(30):
            rate = 11025 if place % 7 == 3 else 8000
            time = np.arange(int(rate * dice.uniform(0.1, 0.2))) / rate
            tone = dice.uniform(2000, 9000) * np.sin(2 * np.pi * hertz * dice.uniform(0.95, 1.05) * time + dice.uniform(0, 6))
            (tmp_path / "notes" / label / f"{place:02}.wav").write_bytes(wav(tone + dice.normal(0, 300, len(time)), rate))
    return tmp_path / "notes"


def test_a_folder_of_labels_a_flat_folder_and_one_file(folder):
    assert data.from_path(folder) == Sounds(folder)
    rows = data.read(Sounds(folder))
    assert rows.columns.columns == ["sound", "label"] and rows.columns["label"].unique_counts().to_list() == [30, 30, 30]
    flat = data.read(data.from_path(folder / "low"))
    assert flat.columns.columns == ["sound"] and len(flat) == 30
    one = data.read(data.from_path(folder / "low" / "00.wav"))
    assert one.columns.rows() == [(str(folder / "low" / "00.wav"),)]
    assert data.fingerprint(one) == data.fingerprint(Rows(one.ids, one.columns.clone()))
    (folder.parent / "none" / "deep").mkdir(parents=True)
    with pytest.raises(Refused, match="has no WAV files"):
        data.read(Sounds(folder.parent / "none"))


def test_data_that_lies_elsewhere_is_known_again_and_changed_data_is_not(folder):
    before = data.fingerprint(data.read(Sounds(folder)))
    moved = folder.rename(folder.parent / "moved")
    assert data.fingerprint(data.read(Sounds(moved))) == before
    (moved / "low" / "00.wav").write_bytes((moved / "low" / "01.wav").read_bytes())
    assert data.fingerprint(data.read(Sounds(moved))) != before


# --- what is shown of a mistake ---------------------------------------------------------------------------------------


def mistake(row: int) -> pl.DataFrame:
    return pl.DataFrame({"row": [row], "label": ["high"], "answer": ["low"], "size": [0.9]})


def drawn(address: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image)


def test_a_mistake_is_shown_by_its_name_its_spectra_and_its_sound(folder):
    file = folder / "high" / "00.wav"
    (shown,) = show(mistake(10), rows_of([str(file)], ["high"]), LogMel())
    assert base64.b64decode(shown.sound.removeprefix("data:audio/wav;base64,")) == file.read_bytes()
    assert shown.cells == (("sound", "00.wav"),)
    pixels = drawn(shown.picture).astype(float)
    low = drawn(show(mistake(10), rows_of([str(folder / "low" / "00.wav")], ["low"]), LogMel())[0].picture).astype(float)
    assert pixels.mean(1).argmax() < low.mean(1).argmax(), "a higher note stands higher"


def test_a_mistake_that_is_long_or_broken_is_shown_without_its_sound(monkeypatch):
    monkeypatch.setattr(pictures, "PLAYED", 100)
    (long,) = show(mistake(10), rows_of([noise(1)[0]], ["a"]), LogMel(mels=10))
    assert not long.sound and long.picture and not long.cells
    (broken,) = show(mistake(10), rows_of(["gone.wav"], ["a"]), LogMel())
    assert (broken.sound, broken.picture, broken.cells) == ("", "", (("sound", "gone.wav"),))


# --- the whole life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [{"kind": "lstm", "width": 16}, {"kind": "cnn", "stages": [[8], [8]], "head": [16]}], ids=["lstm", "cnn"]
)
def test_three_notes_are_told_apart(folder, tmp_path, model):
    recipe = open_recipe(
        {
            "machine": {"device": "cpu", "threads": 1, "precision": "highest", "dtype": "float32", "compiled": False},
            "data": {"kind": "sounds", "path": str(folder)},
            "codec": {"kind": "log_mel", "mels": 20},
            "model": model,
            "training": {"epochs": 15, "batch": 8, "optimizer": {"kind": "adam", "rate": 0.01}},
        }
    )
    lived = life.run(recipe, RunFolder(tmp_path / "run"))
    assert lived.scores[0].name == "accuracy" and lived.scores[0].value == 1.0
    path = str(folder / "low" / "04.wav")
    for cell in (path, Path(path).read_bytes()):
        answers = answer_rows(lived.artifact.module, lived.artifact.codec, rows_of([cell])).frame
        assert answers["answer"].to_list() == ["low"]


def said(capsys, *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([*words, "--quiet"] if words[0] == "run" else list(words))
    told = capsys.readouterr()
    return code, told.out, told.err


QUICK = ["--set", "training.epochs=2", "--set", "model.stages=[[4]]", "--set", "machine.threads=1"]


def test_a_folder_of_recordings_from_init_to_predict(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    assert said(capsys, "init", "notes", "--label", "label", "-o", "notes.toml")[0] == 0
    drafted = open_recipe(tmp_path / "notes.toml")
    assert isinstance(drafted.data, Sounds) and isinstance(drafted.codec, LogMel) and isinstance(drafted.model, CNN)
    assert said(capsys, "run", "notes.toml", *QUICK)[0] == 0
    (folder / "low" / "broken.wav").write_bytes(b"this is no sound")
    answers: dict[str, pl.DataFrame] = {}
    for name, path in {"all": "notes", "flat": "notes/low", "one": "notes/low/04.wav"}.items():
        code, out, _ = said(capsys, "predict", "runs/notes/artifact", path, "-o", f"{name}.csv", "--json")
        answers[name] = pl.read_csv(tmp_path / f"{name}.csv")
        assert code == 0 and json.loads(out)["faulty"] == (name != "one")
    assert [len(frame) for frame in answers.values()] == [91, 31, 1]
    assert answers["all"]["fault"].drop_nulls().to_list() == ["The recording cannot be read: it is not a WAV file."]
    inside = answers["all"].slice(30, 31)  # the folder "low" among all
    assert inside["answer"].to_list() == answers["flat"]["answer"].to_list()
    np.testing.assert_allclose(answers["flat"]["probability"][4], answers["one"]["probability"][0], atol=2e-6)


# --- cut ----------------------------------------------------------------------------------------------------------------------


def test_recordings_that_are_cut_are_counted_by_check_and_predict(tmp_path, capsys):
    """A second is whole, at any rate; one sample more is cut. What cannot be read has a fault instead."""
    from modelwright.data.overlong import overlong

    lengths = ((8000, 8000), (8001, 8000), (16000, 16000), (30000, 8000))
    files = [wav(DICE.integers(-9000, 9000, n), rate) for n, rate in lengths]
    given = Rows(np.arange(6), pl.DataFrame({"sound": [*files, b"none", None], "label": ["a", "b"] * 3}))
    assert overlong(given, LogMel(longest=1.0)).tolist() == [False, True, False, True, False, False]
    for place, file in enumerate(files * 6):
        folder = tmp_path / "rows" / "ab"[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.wav").write_bytes(file)
    recipe = tmp_path / "cut.toml"
    recipe.write_text(
        'format = 1\n[data]\nkind = "sounds"\npath = "rows"\n[codec]\nkind = "log_mel"\nlongest = 1.0\n'
        '[model]\nkind = "linear"\n[training]\nepochs = 1\n[check]\naccept = ["leak", "contradiction"]\n',
        encoding="utf-8",
    )
    main(["check", str(recipe)])
    assert "12 recordings are longer than 1 s" in "".join(capsys.readouterr())
    life.run(open_recipe(recipe), RunFolder(tmp_path / "run"))
    assert main(["predict", str(tmp_path / "run" / "artifact"), str(tmp_path / "rows"), "-o", str(tmp_path / "a.csv")]) == 0
    assert "12 recordings are longer than 1 s: what comes after is not heard." in "".join(capsys.readouterr())
