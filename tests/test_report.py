"""The report: everything escaped, nothing from outside, every part in its place, and figures as a person reads them."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from modelwright import report
from modelwright.data.codecs.columns import Columns
from modelwright.data.codecs.pictures import Pictures
from modelwright.data.codecs.words import Words
from modelwright.data.findings import Finding
from modelwright.nouns import Classes, Costs, Ledger, Numbers, Rows, Score
from modelwright.report import charts, figures, sentences
from modelwright.report.page import page
from modelwright.report.pictures import EDGE, png, show
from modelwright.report.story import Shown, Story
from modelwright.wording import speak

NAUGHTY = '<script>alert("1")</script>&\'{{ 7 * 7 }}'
MEASURED = Costs(
    seconds=192.4,
    cpu_seconds=5.7,
    flops=1.1e12,
    peak_bytes=412_000_000,
    watt_hours=0.016,
    meter="estimated",
    parameters=17_226,
    layers=2,
    weight_bytes=71_000,
    rows_used=1797,
    rows_dropped=3,
    rows_repaired=1,
)
SCORES = (
    Score("accuracy", 264 / 270, 0.952, 0.992, 270),
    Score("f1_macro", 0.976, 0.949, 0.991, 270),
    Score("log_loss", 0.046, 0.025, 0.084, 270),
)


def story(**changes) -> Story:
    """A run of ten digits, all parts there."""
    told = Story(
        title="digits",
        label="target",
        port=Classes(tuple("0123456789")),
        model="mlp",
        source="bundled digits",
        data="",
        folder="runs/digits",
        recipe='format = 1\n[model]\nkind = "mlp"\n',
        rows={"train": 1257, "validation": 270, "test": 270},
        scores=SCORES,
        ledger=Ledger(Costs(seconds=6.0, parameters=17_226), MEASURED),
        baselines={
            "majority": (
                Score("accuracy", 0.1, 0.07, 0.15, 270),
                Score("f1_macro", 0.02, 0.01, 0.03, 270),
                Score("log_loss", 2.3, 2.29, 2.31, 270),
            ),
            "linear": (
                Score("accuracy", 0.91, 0.87, 0.94, 270),
                Score("f1_macro", 0.9, 0.86, 0.94, 270),
                Score("log_loss", 0.3, 0.2, 0.4, 270),
            ),
        },
        findings=(
            Finding("leak", True, 2, (1, 2), "2 rows leaked."),
            Finding("constant", False, 1, (), "pixel_0_0 is constant."),
        ),
        history=tuple(
            {"epoch": e, "loss": 2.0 / (e + 1), "validation": 1.5 / (e + 1), "score": 1 - 0.5 / (e + 1)} for e in range(40)
        ),
        metric="accuracy",
        best_epoch=30,
        confusion=(tuple("0123456789"), (26 * np.eye(10, dtype=int) + np.eye(10, k=1, dtype=int)).tolist()),
        mistakes=(Shown(492, "6", "8", 0.77, picture=png(np.zeros((8, 8), np.uint8)), alt="Row 492: a picture of 6"),),
        tuning="cpu, 1 thread",
    )
    return replace(told, **changes)


class Read(HTMLParser):
    """The page as a tree walk: tags, attributes and text, and whether every tag is closed in its turn."""

    VOID = frozenset({"meta", "link", "img", "br", "line", "circle", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"{tag} closes nothing"

    def handle_data(self, data):
        if data.strip() and self.open:
            self.text.append((self.open[-1], " ".join(data.split())))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.text if name == tag]


# --- the whole page ---------------------------------------------------------------------------------------------------------


def test_every_part_is_in_its_place():
    read = Read(page(story()))
    assert [section["id"] for section in read.of("section")] == [
        "scores",
        "costs",
        "curves",
        "mistakes",
        "data",
        "use",
        "check",
        "recipe",
    ]
    assert read.said("h2") == [
        "How good it is",
        "What it cost",
        "How it learned",
        "Where it errs",
        "What it learned from",
        "How to use it",
        "How to check it",
        "The recipe",
    ]
    assert read.said("h1") == ["digits"] and len(read.of("main")) == 1
    assert read.said("code")[3] == "modelwright verify runs/digits/artifact"
    of_a_file = Read(page(replace(story(), data="my data.csv", folder="runs/mine")))
    assert of_a_file.said("code")[3] == 'modelwright verify runs/mine/artifact --data "my data.csv"'
    assert read.said("code")[-1] == 'format = 1 [model] kind = "mlp"'
    assert read.of("html")[0]["lang"] == "en" and any(meta.get("name") == "viewport" for meta in read.of("meta"))
    assert 'src="data:image/png;base64,' in page(story())


def test_the_head_says_what_it_is_and_how_good_it_is():
    text = " ".join(text for _, text in Read(page(story())).text)
    assert "It tells 10 classes of target apart, and was right on 264 of 270 rows that it had never seen." in text
    assert "95 % sure: between 95.2 % and 99.2 %" in text and "Proved better than a linear model (91.0 %)" in text
    assert "shows rows of the data" in text


def test_links_lead_somewhere_and_ids_are_unique():
    read = Read(page(story()))
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"] for link in read.of("a")} == {f"#{name}" for name in ids}


def test_who_does_not_see_it_is_told():
    read = Read(page(story()))
    assert all(image.get("alt") for image in read.of("img"))
    assert all(head.get("scope") for head in read.of("th"))
    assert all(drawing.get("aria-label") or drawing.get("aria-hidden") for drawing in read.of("svg"))
    assert any("training from 2.000 to 0.05000" in (drawing.get("aria-label") or "") for drawing in read.of("svg"))


def test_everything_is_escaped():
    naughty = story(
        title=NAUGHTY,
        label=NAUGHTY,
        port=Classes((NAUGHTY, "b", "c")),
        model=NAUGHTY,
        source=NAUGHTY,
        folder=f"runs/{NAUGHTY}",
        recipe=NAUGHTY,
        baselines={NAUGHTY: SCORES},
        findings=(Finding("rare", True, 1, (), NAUGHTY),),
        confusion=((NAUGHTY, "b"), [[1, 2], [3, 4]]),
        tuning=NAUGHTY,
        machine=NAUGHTY,
        made=NAUGHTY,
        metric=NAUGHTY,
        mistakes=(
            Shown(1, NAUGHTY, NAUGHTY, 0.5, picture="data:image/png;base64,", alt=NAUGHTY),
            Shown(2, "a", "b", 0.5, text=NAUGHTY),
            Shown(3, "a", "b", 0.5, cells=((NAUGHTY, NAUGHTY),)),
        ),
    )
    text = page(naughty)
    assert "<script" not in text and "49" not in re.findall(r"alert[^<]*", text)[0] and text.count("{{ 7 * 7 }}") > 10
    read = Read(text)
    assert not read.of("script") and NAUGHTY in " ".join(read.said("h1"))
    assert any(NAUGHTY in (image["alt"] or "") for image in read.of("img"))


def test_nothing_comes_from_outside_and_nothing_runs():
    text = page(story())
    read = Read(text)
    policy = next(meta["content"] for meta in read.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "script" not in policy and "http" not in policy
    for tag, attributes in read.tags:
        assert tag not in {"script", "iframe", "object", "embed", "base", "form", "use", "image"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "xlink:href", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert "://" not in text and "url(" not in text and "@import" not in text


def test_rows_are_left_out_where_the_recipe_says_so():
    secret = Shown(1, "6", "8", 0.7, text="my secret diary")
    text = page(story(mistakes=(secret,), shows_rows=False))
    assert "secret" not in text and "This page shows no row of the data." in text
    assert "my secret diary" in page(story(mistakes=(secret,)))


@pytest.mark.parametrize(
    "changes",
    [
        {"history": ()},
        {"history": ({"epoch": 0, "loss": 1.0},), "best_epoch": 0},
        {"history": ({"epoch": 0, "loss": float("nan")}, {"epoch": 1, "loss": 0.0})},
        {"baselines": {}, "mistakes": (), "confusion": None, "findings": ()},
        {"confusion": (("a",), [[0]])},
        {
            "confusion": (
                tuple(f"class {k}" for k in range(100)),
                (np.eye(100, dtype=int) + np.eye(100, k=1, dtype=int)).tolist(),
            )
        },
        {"rows": {"train": 1, "validation": 0, "test": 1}},
        {"ledger": Ledger(Costs(), Costs())},
        {"scores": SCORES[:1]},
        {
            "port": Numbers(1),
            "scores": (Score("mae", 3.1e9, 3.0e9, 3.2e9, 50), Score("r2", -0.2, -0.5, 0.1, 50)),
            "baselines": {},
            "metric": "mae",
            "mistakes": (Shown(3, "5", "9", 4.0, cells=(("a", ""),), more=9),),
            "confusion": None,
        },
    ],
)
def test_a_page_with_parts_missing_is_still_a_page(changes):
    Read(page(story(**changes)))


def test_many_classes_are_told_as_pairs():
    counts = 50 * np.eye(100, dtype=int)
    counts[3, 7], counts[7, 3] = 5, 2
    found = charts.pairs([f"class {k}" for k in range(100)], counts.tolist())
    assert found == (("class 3", "class 7", 5, 5 / 55), ("class 7", "class 3", 2, 2 / 52))


def test_it_is_written_whole_into_a_file_or_a_folder(tmp_path):
    report.write(tmp_path, story())
    report.write(tmp_path / "other.html", story())
    assert (tmp_path / "report.html").read_bytes() == (tmp_path / "other.html").read_bytes() == page(story()).encode()


def test_it_speaks_the_language_in_use():
    speak("zh_CN")
    try:
        assert Read(page(story())).of("html")[0]["lang"] == "zh-CN"
    finally:
        speak("en")


# --- what it says -----------------------------------------------------------------------------------------------------------


def test_the_verdict_goes_by_pairs_where_they_were_compared():
    near = {"linear": (Score("accuracy", 0.97, 0.94, 0.99, 270),)}
    assert sentences.verdict(story(baselines=near))[0] == "unproved"
    gain = Score("accuracy_difference", 0.008, 0.001, 0.02, 270)
    assert sentences.verdict(story(baselines=near, gain=("linear", gain)))[0] == "better"
    assert sentences.verdict(story(baselines={"linear": (Score("accuracy", 0.999, 0.995, 1.0, 270),)}))[0] == "worse"
    assert "No baseline" in sentences.verdict(story(baselines={}))[1]
    prices = story(
        port=Numbers(1), scores=(Score("mae", 40, 39, 42, 300),), baselines={"mean": (Score("mae", 89, 87, 91, 300),)}
    )
    assert sentences.verdict(prices) == ("better", "Proved better than always answering the mean (89.0), on the same rows.")


def test_a_path_with_spaces_can_be_pasted():
    commands = [command for _, command in sentences.commands(story(folder="my runs/digits/"))]
    assert commands[0] == 'modelwright predict "my runs/digits/artifact" rows.csv -o answers.csv'


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (Score("accuracy", 264 / 270, 0.9523, 0.9918, 270), "accuracy 97.8 % [95.2 - 99.2]"),
        (Score("accuracy", 0.9811, 0.9782, 0.9836, 10_000), "accuracy 98.11 % [97.82 - 98.36]"),
        (Score("mae", 40_911.7, 39_458, 42_445, 3096), "mean absolute error 40,912 [39,458 - 42,445]"),
        (Score("log_loss", 0.04612, 0.0251, 0.0841, 270), "log loss 0.046 [0.025 - 0.084]"),
        (Score("mse", 3.32e9, 3.04e9, 3.63e9, 3096), "mean squared error 3.32e9 [3.04e9 - 3.63e9]"),
        (Score("r2", -0.00004, -0.00046, -0.000001, 3096), "R² 0.0000 [-0.0005 - 0.0000]"),
    ],
)
def test_a_score_has_the_digits_that_its_interval_bears(score, said):
    assert figures.with_interval(score) == said


def test_costs_are_told_in_the_units_of_people():
    assert [figures.seconds(s) for s in (0.004, 5.94, 59.6, 192.4, 4800)] == [
        "4 ms",
        "5.9 s",
        "60 s",
        "3 min 12 s",
        "1 h 20 min",
    ]
    assert [figures.scaled(b, "B") for b in (0, 512, 71_000, 1_234_567, 4.2e10)] == ["0 B", "512 B", "71 KB", "1.2 MB", "42 GB"]
    assert [figures.energy(e) for e in (0.0012, 0.016, 25)] == ["1.2 mWh", "0.02 Wh", "25 Wh"]
    assert figures.ledger(Costs(seconds=6), MEASURED) == (
        ("compute", "6.0 s", "3 min 12 s", "0.02 Wh · 1.1 TFLOP · 412 MB"),
        ("complexity", "", "17,226 weights", "71 KB"),
        ("data", "", "1,797 rows", "3 dropped · 1 repaired"),
    )
    assert figures.sure(0.77) == "77" and figures.sure(0.9999) == "99.9"


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.8, 0.99), (-3, 12), (1e-9, 2e-9), (39_000, 91_000), (0, 1e12)])
def test_ticks_are_round_and_inside(low, high):
    ticks = charts.nice(low, high)
    assert 2 <= len(ticks) <= 7 and low - 1e-12 <= ticks[0] and ticks[-1] <= high * (1 + 1e-9)
    assert all(len(f"{tick:.3g}".lstrip("-").replace(".", "").rstrip("0").lstrip("0").split("e")[0]) <= 3 for tick in ticks)


@pytest.mark.parametrize("scores", [(0.51, 0.522, 0.53), (0.9981, 0.9984, 0.999), (0.2, 0.6, 0.9)])
def test_no_two_ticks_of_a_share_say_the_same(scores):
    (_, curve) = charts.curves([{"loss": 1.0, "score": score} for score in scores], "accuracy", -1)
    words = [tick.word for tick in curve.up]
    assert len(words) >= 2 and len(set(words)) == len(words)
    assert all(word.endswith(" %") for word in words)


def test_long_histories_are_thinned_and_keep_their_end():
    history = [{"epoch": e, "loss": float(e)} for e in range(5000)]
    (curve,) = charts.curves(history, "", -1)
    assert (
        curve.lines[0].path.count("L") < charts.POINTS
        and curve.lines[0].path.startswith("M")
        and curve.lines[0].last[0] == 100.0
    )


# --- colours -----------------------------------------------------------------------------------------------------------------


def luminance(rgb) -> float:
    """WCAG 2.2, relative luminance."""
    return sum(
        w * (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4)
        for w, c in zip((0.2126, 0.7152, 0.0722), (x / 255 for x in rgb))
    )


def contrast(a, b) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, tuple[int, ...]]]:
    """Light and dark, as the page's style sheet has them; dark has what it does not say from light."""
    found = re.findall(r":root \{(.*?)\}", (Path(report.__file__).parent / "page.css").read_text(encoding="utf-8"), re.S)
    sheets: list[dict[str, tuple[int, ...]]] = []
    for text in found[:2]:
        hexes = {
            name: tuple(int(code[k : k + 2], 16) for k in (0, 2, 4)) for name, code in re.findall(r"--([\w-]+): #(\w{6})", text)
        }
        triples = {name: tuple(map(int, code.split())) for name, code in re.findall(r"--([\w-]+-rgb): ([\d ]+)", text)}
        sheets.append({**(sheets[0] if sheets else {}), **hexes, **triples})
    return sheets


@pytest.mark.parametrize("colours", palettes(), ids=["light", "dark"])
def test_contrast_is_aa(colours):
    """4.5 and more for all words, on paper and on cards, and in every cell of the confusion matrix."""
    for name in ("ink", "soft", "accent", "wrong"):
        for ground in ("paper", "sheet"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in ("right-rgb", "wrong-rgb"):
        for heat in range(12, 101):
            cell = [x * heat / 100 + y * (1 - heat / 100) for x, y in zip(colours[name], colours["faint"])]
            assert contrast(cell, colours["on-heat" if heat > 75 else "on-faint"]) >= 4.5, (name, heat)


# --- rows as pictures ------------------------------------------------------------------------------------------------------


def drawn(address: str) -> Image.Image:
    assert address.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))


def mistakes(row: int) -> pl.DataFrame:
    return pl.DataFrame({"row": [row], "label": ["6"], "answer": ["8"], "size": [0.7]})


def test_pixels_are_kept_and_large_pictures_made_small():
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    small = np.asarray(drawn(png(pixels)))
    assert small.shape == (EDGE, EDGE) and (small[:: EDGE // 8, :: EDGE // 8] == pixels).all()
    assert drawn(png(np.zeros((3, 1000, 500), np.uint8))).size == (EDGE // 2, EDGE)
    assert drawn(png(np.zeros((3, 20, 10), np.uint8))).mode == "RGB"


def test_rows_are_found_by_id_and_shown_as_what_they_are(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (600, 300), "red").save(path)
    rows = Rows(np.array([7, 3, 5]), pl.DataFrame({"picture": [str(path), "gone.png", str(path)], "label": ["6", "6", "6"]}))
    (told,) = show(mistakes(7), rows, Pictures())
    assert drawn(told.picture).size == (EDGE, EDGE // 2) and drawn(told.picture).getpixel((5, 5)) == (255, 0, 0)
    assert show(mistakes(3), rows, Pictures())[0].picture == ""
    arrays = pl.Series("picture", np.full((3, 8, 8), 9, np.uint8), dtype=pl.Array(pl.UInt8, (8, 8)))
    (told,) = show(mistakes(5), Rows(np.array([7, 3, 5]), pl.DataFrame([arrays])), Pictures())
    assert np.asarray(drawn(told.picture)).max() == 9
    texts = Rows(np.array([7]), pl.DataFrame({"text": ["good " * 500], "label": ["6"]}))
    (told,) = show(mistakes(7), texts, Words(label="label"))
    assert told.text.startswith("good good") and len(told.text) < 500


def test_a_table_row_is_shown_by_its_cells_and_pixels_as_a_picture():
    many = {f"c{k}": ["1"] for k in range(20)}
    (told,) = show(
        mistakes(0), Rows(np.array([0]), pl.DataFrame({**many, "label": ["6"], "part": ["test"]})), Columns(label="label")
    )
    assert told.cells[0] == ("c0", "1") and len(told.cells) == 12 and told.more == 8
    grid = {f"pixel_{y}_{x}": [float(y == x)] for y in range(4) for x in range(4)}
    (told,) = show(mistakes(0), Rows(np.array([0]), pl.DataFrame({**grid, "label": ["6"]})), Columns(label="label"))
    assert (np.asarray(drawn(told.picture))[::64, ::64] == 255 * np.eye(4)).all()
    grid["pixel_0_0"] = ["oops"]
    assert (
        show(mistakes(0), Rows(np.array([0]), pl.DataFrame({**grid, "label": ["6"]})), Columns(label="label"))[0].picture == ""
    )


def test_errors_of_numbers_are_told_plainly():
    found = pl.DataFrame({"row": [0], "label": [112_500.0], "answer": [484_280.25], "size": [371_780.25]})
    (told,) = show(found, Rows(np.array([0]), pl.DataFrame({"a": ["1"], "y": ["112500"]})), Columns(label="y", target="number"))
    assert (told.label, told.answer) == ("112,500", "484,280")
