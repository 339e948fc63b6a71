"""Pairs of texts, from raw rows to a reply: what is read and what bears loss, the whole life, replies alone and in company."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from modelwright import data, evaluation, generating, life, models, shelf
from modelwright.__main__ import main
from modelwright.data.codecs import Pairs
from modelwright.data.codecs.documents import BPE, Character
from modelwright.data.codecs.tokens.tokenizing import END, UNKNOWN
from modelwright.data.sources import Gettext
from modelwright.evaluation import dictionary, replying, shortening
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.models import EncoderDecoder
from modelwright.models.sampling import Sampling
from modelwright.nouns import Refused, Rows, Tuning
from modelwright.recipe import open_recipe

WORDS = {"one": "一", "two": "二", "three": "三", "red": "红", "green": "绿", "horse": "马", "house": "房子", "and": "和"}
SMALL = EncoderDecoder(1, 1, 16, 2)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def pairs(n: int, seed: int = 0) -> list[tuple[str, str]]:
    """Sentences in English order, said word for word."""
    dice = random.Random(seed)
    chosen = (dice.sample(list(WORDS), k=dice.randrange(1, 4)) for _ in range(n))
    return [(" ".join(words), "".join(WORDS[word] for word in words)) for words in chosen]


def rows(*texts: tuple[str | None, str | None]) -> Rows:
    frame = pl.DataFrame(texts, schema={"source": pl.String, "target": pl.String}, orient="row")
    return Rows(np.arange(len(texts)), frame)


def codec_of(*texts: tuple[str, str], **values):
    return Pairs(**values).fit(lambda: iter([rows(*texts)]))


# --- the codec ----------------------------------------------------------------------------------------------------------


def test_a_reply_is_learned_from_what_was_said_before_it():
    codec = codec_of(("ab", "一二"), replies=Character())
    batch, faults = codec.encode(rows(("ba", "二一"), ("a", "一?")))
    a, b = (int(codec.tokenizer.numbers(pl.Series([sign]))[0][0]) for sign in "ab")
    one, two = (int(codec.replies.numbers(pl.Series([sign]))[0][0]) for sign in "一二")
    assert faults.is_empty()
    assert batch["inputs"].tolist() == [[b, a, END], [a, END, 0]]
    assert batch["mask"].tolist() == [[True] * 3, [True, True, False]]
    assert batch["before"].tolist() == [[END, two, one], [END, one, UNKNOWN]]
    assert batch["next"].tolist() == [[two, one, END], [one, UNKNOWN, END]]
    assert batch["bears"].tolist() == [[True] * 3, [True, False, True]]
    assert batch["bytes"].tolist() == [6, 3]
    assert [codec.spell(tokens) for tokens in batch["next"].tolist()] == ["二一", "一"]
    assert codec.spell_read(batch["inputs"][0].tolist()) == "ba"


def test_what_is_too_long_is_cut_and_counted():
    texts = [("abc", "一"), ("abcd", "一二三四"), ("ab", "一二三")]
    codec = codec_of(*texts, longest=4, reply=4)
    batch, _ = codec.encode(rows(*texts))
    assert codec.cut(rows(*texts)).tolist() == codec.cut_replies(rows(*texts)).tolist() == [False, True, False]
    assert END not in batch["inputs"][1].tolist() and END not in batch["next"][1].tolist()
    told = data.became(batch, codec)
    assert (told.pairs, told.read, told.borne, told.unborne, told.cut, told.cut_replies) == (3, 11, 10, 0, 1, 1)
    assert batch["next"][2].tolist()[3] == END


def test_rows_without_a_text_or_a_reply_have_their_place_and_their_fault():
    codec = codec_of(*pairs(20))
    batch, faults = codec.encode(rows(("one", None), (None, "一"), (" ", " "), ("two", "二")))
    assert sorted(zip(faults["row"].to_list(), faults["column"].to_list())) == [
        (0, "target"), (1, "source"), (2, "source"), (2, "target")
    ]  # fmt: skip
    assert batch["bears"].any(1).tolist() == [False, True, False, True]
    assert data.without(batch, faults)[0]["row"].tolist() == [3]
    with pytest.raises(Refused, match="both in"):
        codec_of(("a", None), (None, "b"))


@pytest.mark.parametrize("values", [{}, {"replies": BPE(300)}, {"tokenizer": BPE(280)}], ids=["shared", "own", "bpe"])
def test_what_is_kept_encodes_the_same_bits_whatever_the_chunks(values):
    texts = pairs(30)
    codec = codec_of(*texts, **values)
    again = codec.encoding.load(codec.state())
    assert again.reads == codec.reads and again.writes == codec.writes
    assert codec.writes[0].kind.shared == ("replies" not in values)
    whole, _ = codec.encode(rows(*texts))
    for other in (again.encode(rows(*texts))[0], data.encode_all(codec, rows(*texts), height=7)[0]):
        assert all(torch.equal(tensor, other[name]) for name, tensor in whole.items())


def test_a_feed_cuts_texts_and_replies_each_to_their_longest():
    codec = codec_of(*pairs(40))
    batch, _ = codec.encode(rows(*pairs(40)))
    feed = data.Feed(batch, 8, 0)
    for step in range(feed.steps_per_epoch):
        fed = feed.batch(step)
        assert fed["inputs"].shape[1] == fed["mask"].sum(1).max() and fed["next"].shape[1] == fed["before_mask"].sum(1).max()
        assert fed["before"].shape == fed["next"].shape == fed["bears"].shape
    assert sorted(row for step in range(feed.steps_per_epoch) for row in feed.batch(step)["row"].tolist()) == list(range(40))


# --- replies ------------------------------------------------------------------------------------------------------------


def test_a_row_is_replied_to_alone_as_in_company():
    codec = codec_of(*pairs(50), replies=Character())
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(3 if weight.ndim == 2 else 1)  # weights as they begin say nearly the same everywhere
    asked = rows(*pairs(20, seed=1))
    together = evaluation.answer_rows(module, codec, asked).frame
    alone = [evaluation.answer_rows(module, codec, asked.take(np.array([place]))).frame["answer"][0] for place in range(20)]
    assert together["answer"].to_list() == alone
    assert len(set(alone)) > 5
    assert together["label"].to_list() == asked.columns["target"].to_list()


def test_faulty_rows_say_why_and_a_reply_needs_no_label():
    codec = codec_of(*pairs(30))
    module = models.build(SMALL, codec.reads, codec.writes, 0)
    frame = evaluation.answer_rows(module, codec, rows(("one", None), (None, "一"), ("two", "二"))).frame
    assert frame["answer"].is_null().to_list() == [False, True, False]
    assert frame["fault"].is_null().to_list() == [False, False, True]
    assert frame["label"].to_list() == [None, "一", "二"]
    without = Rows(np.arange(2), pl.DataFrame({"source": ["one", "two"]}))
    assert evaluation.answer_rows(module, codec, without).frame["answer"].null_count() == 0


def test_the_dictionary_is_what_comes_together():
    texts, replies = zip(*pairs(300), strict=True)
    entries = dictionary.learned(list(texts), list(replies))
    assert {word: entries[word] for word in WORDS} == WORDS
    assert dictionary.learned(["?"], ["!"]) == {}
    codec = codec_of(*pairs(300))
    train, _ = codec.encode(rows(*pairs(300)))
    test, _ = codec.encode(rows(("green horse", "绿马")))
    rivals = dictionary.baselines(train, test, codec)
    assert rivals["copy"].frame["answer"].to_list() == ["green horse"]
    assert rivals["dictionary"].frame["answer"].to_list() == ["绿马"]


def test_what_is_to_be_shortened_has_its_first_words_to_beat():
    long = [(f"{one}, {other}; horse and house, red, green.", f"{one} {other}") for one in WORDS for other in WORDS]
    codec = codec_of(*long)
    train, _ = codec.encode(rows(*long))
    test, _ = codec.encode(rows(("red, green: three horses and a house", "red green"), ("one", "one"), ("!", "one")))
    rivals = dictionary.baselines(train, test, codec)
    assert rivals.keys() == {"copy", "lead"}
    assert rivals["lead"].frame["answer"].to_list() == ["red, green", "one", ""]


def test_words_are_counted_as_rouge_counts_them():
    assert shortening.lead("滿目江山，四望幽。", 5) == "滿目江山，四"
    assert shortening.usual(["滿目江山", "one two", "one"]) == 2
    assert shortening.usual([]) == 0
    assert shortening.shortens(["a b c d"], ["a b"])
    assert not shortening.shortens(["a b c"], ["a b"])
    assert not shortening.shortens(["a"], [""]), "what replies say is never nothing"


# --- the whole life -----------------------------------------------------------------------------------------------------

ORDER = """format = 1
[data]
kind = "csv"
path = "pairs.csv"
split = {{kind = "hashed", validation = 0.1, test = 0.15}}
[check]
accept = ["leak"]
[codec]
kind = "pairs"
tokenizer = {{kind = "bpe", vocabulary = 300}}
replies = {{kind = "character"}}
[model]
kind = "encoder_decoder"
depth = 1
width = 32
heads = 2
positions = "sinusoidal"
[training]
epochs = {epochs}
batch = 16
optimizer = {{kind = "adamw", rate = 0.003}}
schedule = {{kind = "cosine"}}
clip = 1.0
[machine]
threads = 1
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    pl.DataFrame(list(dict.fromkeys(pairs(700))), schema=["source", "target"], orient="row").write_csv(folder / "pairs.csv")
    (folder / "order.toml").write_text(ORDER.format(epochs=24), encoding="utf-8")
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        return life.run(open_recipe(folder / "order.toml"), RunFolder(folder / "run")), folder


def test_a_life_of_pairs_learns_to_translate(lived):
    made, _ = lived
    scores = {score.name: score for score in made.scores}
    assert list(scores) == ["bleu", "chrf", "bits_per_byte", "perplexity"]
    assert scores["bleu"].value > 60
    assert all(score.low < score.high for score in made.scores)
    assert [score.name for score in made.baselines["copy"]] == ["bleu", "chrf"]
    assert made.baselines["copy"][0].value < 5 < made.baselines["dictionary"][0].value
    report = made.folder.report.read_text(encoding="utf-8")
    assert "It replies with target" in report
    kept = shelf.take(made.folder.artifact)
    assert "".join(generating.generate(kept, generating.begin(kept, "green house"), Sampling())) == "绿房子"


def test_verbs_answer_rows_and_words(lived, capsys, monkeypatch):
    made, folder = lived
    monkeypatch.chdir(folder)
    (folder / "asked.csv").write_text("source\nred horse\n\"one and two\"\n", encoding="utf-8")
    artifact = str(made.folder.artifact)
    assert main(["predict", artifact, "asked.csv", "-o", "said.csv"]) == 0
    assert pl.read_csv("said.csv")["answer"].to_list() == ["红马", "一和二"]
    capsys.readouterr()
    assert main(["generate", artifact, "red horse"]) == 0
    assert capsys.readouterr().out == "红马\n"
    assert main(["verify", artifact, "--data", "pairs.csv", "--require-scores"]) == 0
    capsys.readouterr()
    assert main(["check", "order.toml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["examples"]) == 10 and told["counted"]["borne"] > 500
    for verb in (["explain", artifact, "asked.csv"], ["compress", artifact, "-o", "less"]):
        assert main(verb) == 2
        assert "replies with texts" in capsys.readouterr().err


def test_nothing_that_bears_loss_is_refused():
    codec = codec_of(("a", "b"))
    batch, _ = codec.encode(rows(("a", "z")))
    batch["bears"] = torch.zeros_like(batch["bears"])
    with pytest.raises(Refused, match="nothing to learn"):
        data.became(batch, codec)


# --- gettext ------------------------------------------------------------------------------------------------------------


def catalogue(said: dict[str, str], sign: str = "<") -> bytes:
    """As msgfmt compiles it."""
    texts = [text.encode() for text in (*sorted(said), *(said[source] for source in sorted(said)))]
    head, body, start = [0x950412DE, 0, len(said), 28, 28 + 8 * len(said), 0, 0], b"", 28 + 16 * len(said)
    for text in texts:
        head += [len(text), start + len(body)]
        body += text + b"\0"
    return struct.pack(f"{sign}{len(head)}I", *head) + body


@pytest.mark.parametrize("sign", "<>")
def test_catalogues_become_pairs(tmp_path: Path, sign):
    first = {"": "Language: zh", "Open": "打开", "menu\x04Close": "关闭", "%d day\0%d days": "%d 天", "Empty": ""}
    (tmp_path / "first.mo").write_bytes(catalogue(first, sign))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "second.mo").write_bytes(catalogue({"Open": "打开", "open": "开"}, sign))
    found = data.read(Gettext(tmp_path)).columns.rows()
    assert sorted(found) == [("%d days", "%d 天"), ("Close", "关闭"), ("Open", "打开"), ("open", "开")]
    assert data.from_path(tmp_path / "first.mo") == Gettext(tmp_path / "first.mo")


def test_catalogues_as_python_reads_them(tmp_path: Path):
    import gettext
    import io

    said = {f"word {place}": f"词{place}" for place in range(50)}
    made = catalogue({"": "Content-Type: text/plain; charset=UTF-8\n", **said})
    theirs = gettext.GNUTranslations(io.BytesIO(made))
    (tmp_path / "some.mo").write_bytes(made)
    for source, target in data.read(Gettext(tmp_path)).columns.iter_rows():
        assert theirs.gettext(source) == target


def test_a_damaged_catalogue_is_refused(tmp_path: Path):
    file, whole = tmp_path / "some.mo", catalogue({"Open": "打开", "Close": "关闭"})
    for cut in (10, 30, 50, len(whole) - 9):
        file.write_bytes(whole[:cut])
        with pytest.raises(Refused, match="not a compiled catalogue" if cut < 20 else "damaged"):
            data.read(Gettext(file))
    file.write_bytes(whole.replace("打".encode(), b"\xff\xff\xff"))
    with pytest.raises(Refused, match="damaged"):
        data.read(Gettext(file))
    with pytest.raises(Refused, match=r"no catalogue"):
        data.read(Gettext(Path(__file__).parent / "dead_keys"))


# --- planted bugs -------------------------------------------------------------------------------------------------------


def test_a_reply_that_was_seen_ahead_would_be_noticed(lived):
    """Shifted by nothing, the model would read what it must foretell: what it then says when nobody tells it is nonsense."""
    made, _ = lived
    kept = shelf.take(made.folder.artifact)
    batch, _ = kept.codec.encode(rows(*pairs(30, seed=3)))
    said = replying.said(kept.module, kept.codec, batch)
    right = np.mean([one == other for one, (_, other) in zip(said, pairs(30, seed=3), strict=True)])
    assert right > 0.5
    ahead = {**batch, "before": batch["next"]}
    with torch.no_grad():
        assert not torch.allclose(kept.module(ahead)["next"], kept.module(batch)["next"], atol=0.1)


def test_rows_are_parted_though_no_two_have_one_reply():
    """Replies are no classes: a stratified split of them has its shares."""
    from modelwright.data.splits import Stratified

    asked = rows(*[(f"word {place}", f"词{place}") for place in range(100)])
    parts = data.split(Stratified(0.1, 0.2), asked, "target", 0, classes=False)
    assert {part: len(places) for part, places in parts.items()} == {"train": 70, "validation": 10, "test": 20}
