"""Span corruption: nothing of a text is lost, chance is that of seed, epoch and row alone; a life of texts with gaps."""

from __future__ import annotations

import json
import random

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data, life, shelf
from modelwright.__main__ import main
from modelwright.data.codecs import Spans
from modelwright.data.codecs.documents import BPE
from modelwright.data.codecs.spans.cutting import segments
from modelwright.data.codecs.tokens.tokenizing import END, UNKNOWN
from modelwright.data.feed import own_ids
from modelwright.folder import RunFolder
from modelwright.machine import tuned
from modelwright.nouns import Refused, Rows, Tuning
from modelwright.recipe import open_recipe

WORDS = ["one", "two", "buckle", "my", "shoe", "three", "four", "knock", "at", "the", "door", "five", "six", "pick", "sticks"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def rows(*texts: str | None) -> Rows:
    return Rows(np.arange(len(texts)), pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))


def babble(n: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=dice.randrange(3, 30))) for _ in range(n)]


def codec_of(*texts: str, **values):
    return Spans(**values).fit(lambda: iter([rows(*texts)]))


def whole_again(codec, inputs: list[int], said: list[int]) -> list[int]:
    """What was cut out, put back in the place of its mark."""
    first, found, parts = len(codec.tokenizer.pieces), [], {}
    for token in said[:-1]:
        if token >= first:
            parts[token] = []
            last = token
        else:
            parts[last].append(token)
    for token in inputs[:-1]:
        found += parts.pop(token) if token >= first else [token]
    assert not parts and inputs[-1] == said[-1] == END
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 60), st.floats(0.01, 0.99), st.floats(1, 9), st.integers(0, 2**40), st.lists(st.integers(1, 60), min_size=1)
)
def test_nothing_is_lost_and_as_much_is_cut_out_as_was_ordered(longest, share, span, seed, lengths):
    codec = codec_of("".join(chr(200 + n) for n in range(60)), longest=longest, share=share, span=span)
    texts = ["".join(chr(200 + (n * n + length) % 60) for n in range(length)) for length in lengths]
    batch, _ = codec.encode(rows(*texts))
    again = codec.hiding(batch, own_ids(batch), seed, 3)
    first = len(codec.tokenizer.pieces)
    for found in (batch, again):
        for place, real in enumerate(batch["whole_mask"].sum(1).tolist()):
            kinds = (("inputs", "mask"), ("next", "before_mask"))
            inputs, said = (found[name][place][found[mask][place]].tolist() for name, mask in kinds)
            assert whole_again(codec, inputs, said) == batch["whole"][place][:real].tolist()
            gone, spans = codec.encoding.counts(real)
            assert (len(inputs), len(said)) == (real - gone + spans + 1, gone + spans + 1)
            marks = [token for token in inputs if token >= first]
            assert marks == list(range(first, first + spans)) == [token for token in said if token >= first]
            assert found["before"][place][: len(said)].tolist() == [END, *said[:-1]]
            assert bool(found["bears"][place].any()) == (real > 1)
        assert found["inputs"].shape[1] <= codec.reads[0].kind.longest and found["next"].shape[1] <= codec.reads[1].kind.longest
        assert int(found["inputs"].max()) < codec.alphabet


def test_counts_are_those_of_t5():
    """Density 0.15, mean span 3, as in text-to-text-transfer-transformer's random_spans_noise_mask."""
    assert [Spans().counts(n) for n in (1, 2, 7, 20, 100, 512)] == [(0, 0), (1, 1), (1, 1), (3, 1), (15, 5), (77, 26)]


def test_every_way_of_parting_is_as_likely():
    from collections import Counter

    dice = np.random.default_rng(0)
    found = Counter(tuple(segments(5, 3, dice.integers(0, 2**63, 9, dtype=np.uint64)).tolist()) for _ in range(6000))
    assert len(found) == 6 and all(800 < times < 1200 for times in found.values())


def test_chance_is_that_of_seed_epoch_and_row():
    codec = codec_of(*babble(30), longest=40)
    batch, _ = codec.encode(rows(*babble(30)))
    feeds = [data.Feed(batch, size, seed, hiding=data.hiding(codec)) for size, seed in ((4, 0), (7, 0), (4, 1))]

    def cut(feed, epoch):
        """By row and place what is read."""
        steps = range(epoch * feed.steps_per_epoch, (epoch + 1) * feed.steps_per_epoch)
        fed = [feed.batch(step) for step in steps]
        return {
            (row, place): inputs[mask].tolist()
            for one in fed
            for row, place, inputs, mask in zip(one["row"].tolist(), one["place"].tolist(), one["inputs"], one["mask"])
        }

    assert cut(feeds[0], 2) == cut(feeds[1], 2)
    assert len(cut(feeds[0], 0)) == len(batch["row"])
    for other in (cut(feeds[0], 3), cut(feeds[2], 2)):
        assert sum(other[key] != value for key, value in cut(feeds[0], 2).items()) > len(other) * 0.5
    fed = feeds[0].batch(0)
    assert fed["next"].shape == fed["before"].shape == fed["bears"].shape == fed["before_mask"].shape


def test_unknown_characters_bear_no_loss_and_judging_is_always_alike():
    codec = codec_of("abab", longest=8, share=0.9)
    batch, _ = codec.encode(rows("abzzzab", None, "a"))
    assert batch["row"].tolist() == [0, 2]
    assert not batch["bears"][(batch["next"] == UNKNOWN) & batch["before_mask"]].any()
    assert not batch["bears"][1].any()
    alone, _ = codec.encode(rows("abzzzab"))
    assert alone["next"][0].tolist() == batch["next"][0][batch["before_mask"][0]].tolist()
    again = codec.encoding.load(codec.state())
    assert all(torch.equal(tensor, again.encode(rows("abzzzab", None, "a"))[0][name]) for name, tensor in batch.items())
    assert codec.spell([*batch["next"][0].tolist()]) != ""
    with pytest.raises(Refused, match="No training row"):
        codec_of(" ")


def test_pairs_of_bytes_are_cut_too():
    codec = codec_of(*babble(20), tokenizer=BPE(300), longest=12)
    batch, _ = codec.encode(rows(*babble(20)))
    told = data.became(batch, codec)
    assert told.tokens == int(batch["whole_mask"].sum()) and told.borne == int(batch["bears"].sum())
    assert 0.1 < told.cut / told.tokens < 0.25
    assert "<0>" in data.examples(codec, batch, 3)[0].line


ORDER = """format = 1
[data]
kind = "text"
path = "texts.txt"
[check]
accept = ["leak", "near_leak"]
[codec]
kind = "spans"
longest = 48
[model]
kind = "encoder_decoder"
depth = 1
width = 16
[training]
epochs = 4
batch = 8
optimizer = {kind = "adamw", rate = 0.01}
[machine]
threads = 1
"""


def test_a_life_of_texts_with_gaps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("\n".join(babble(200)) + "\n", encoding="utf-8")
    (tmp_path / "order.toml").write_text(ORDER, encoding="utf-8")
    lived = life.run(open_recipe(tmp_path / "order.toml"), RunFolder(tmp_path / "run"))
    assert [score.name for score in lived.scores] == ["bits_per_byte", "perplexity"]
    assert set(lived.baselines) == {"unigram", "bigram"}
    assert lived.scores[0].value < lived.baselines["unigram"][0].value
    artifact = str(lived.folder.artifact)
    assert shelf.take(lived.folder.artifact).codec.encoding.longest == 48
    assert main(["verify", artifact, "--data", "texts.txt", "--require-scores"]) == 0
    capsys.readouterr()
    assert main(["check", "order.toml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counted"]["cut"] > 100 and len(told["examples"]) == 10
    for verb in (["predict", artifact, "texts.txt", "-o", "said.csv"], ["generate", artifact, "one"], ["serve", artifact]):
        assert main(verb) == 2
        assert "cut out of texts" in capsys.readouterr().err
