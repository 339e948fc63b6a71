"""Short texts in one passage: where pieces lie, that none sees another, that nothing learned or judged changes by it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data, evaluation
from modelwright.data.codecs.documents import Character, Documents
from modelwright.data.codecs.tokens.tokenizing import END
from modelwright.data.packing import best_fit, packed
from modelwright.evaluation.following import nats
from modelwright.machine import tuned
from modelwright.models import Decoder, Encoder, build
from modelwright.nouns import Batch, Classes, Port, Rows, Tuning
from modelwright.objectives import NextToken

WORDS = ["one", "two", "buckle", "my", "shoe", "three", "four", "knock", "at", "the", "door"]
LLAMA = Decoder(2, 16, 2, groups=1)
GPT2 = Decoder(2, 16, 2, base=0.0, norm="layer", feed="gelu", bias=True)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def babble(n: int, seed: int = 0, most: int = 9) -> list[str]:
    dice = random.Random(seed)
    return [" ".join(dice.choices(WORDS, k=dice.randrange(1, most))) for _ in range(n)]


def encoded(texts: list[str], longest: int = 32, ids: np.ndarray | None = None):
    frame = pl.DataFrame({"text": texts})
    rows = Rows(np.arange(len(texts), dtype=np.int64) if ids is None else ids, frame)
    codec = Documents(longest=longest, tokenizer=Character()).fit(lambda: iter([rows]))
    return codec, codec.encode(rows)[0]


def live(family, codec) -> torch.nn.Module:
    """With weights large enough that every step matters."""
    module = build(family, codec.reads, codec.writes, 0).double().eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(2)
    return module


def learned(module, batches: list[Batch]) -> tuple[float, list[torch.Tensor]]:
    """The loss of all these together and its slopes."""
    aim = NextToken().ready((Port("next", None),))
    count = sum(aim.counts(batch)["next"] for batch in batches)
    loss = sum(aim({"model": module}, batch)["next"] for batch in batches) / count
    return float(loss.detach()), list(torch.autograd.grad(loss, list(module.parameters())))


def apart(batch: Batch, name: str) -> list[list[int]]:
    """What each document of each passage has under this name."""
    found = []
    for row, document, mask in zip(batch[name], batch["document"], batch["mask"]):
        found += [row[(document == number) & mask].tolist() for number in range(1, int(document.max()) + 1)]
    return found


# --- where pieces lie ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_each_piece_lies_once_and_none_over_another(lengths):
    passage, start = best_fit(np.array(lengths), 20, np.arange(len(lengths)))
    cells = [(where, step) for where, first, long in zip(passage, start, lengths) for step in range(first, first + long)]
    assert len(set(cells)) == len(cells) == sum(lengths)
    assert max(step for _, step in cells) < 20
    assert sorted(set(passage.tolist())) == list(range(passage.max() + 1))
    held = np.bincount(passage, lengths)
    assert (held <= 10).sum() <= 1, "two passages that are half empty would be one"


def test_less_than_a_hundredth_is_wasted():
    dice = np.random.default_rng(0)
    for lengths in (dice.integers(1, 129, 3000), np.minimum(dice.geometric(0.02, 3000), 128)):
        passage, _ = best_fit(lengths, 256, np.arange(len(lengths)))
        assert lengths.sum() / (256 * (passage.max() + 1)) > 0.99


def test_a_sum_that_fits_is_found():
    lengths = np.array([70] * 8 + [58] * 16 + [35] * 4)  # 70 + 2 * 58 + 70 fills it; longest first into least room does not
    passage, _ = best_fit(lengths, 256, np.arange(len(lengths)))
    assert passage.max() + 1 == 7


@given(st.lists(st.text("abc", min_size=1, max_size=40), min_size=1, max_size=12), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_every_token_is_there_as_before(texts, longest):
    codec, pieces = encoded(texts, longest)
    found = packed(pieces, codec.encoding)
    for name in ("inputs", "next", "bears"):
        own = [row[mask].tolist() for row, mask in zip(pieces[name], pieces["mask"])]
        assert sorted(apart(found, name)) == sorted(own)
    assert int(found["bytes"].sum()) == int(pieces["bytes"].sum()) == sum(len(text.encode()) for text in texts)
    assert found["mask"].shape[1] <= longest
    assert torch.equal(found["mask"], found["document"] > 0)
    assert data.counted(found).documents == data.counted(pieces).documents == len(texts)
    firsts = set(zip(pieces["row"].tolist(), pieces["place"].tolist()))
    assert {*zip(found["row"].tolist(), found["place"].tolist())} <= firsts


def test_which_piece_lies_where_is_not_the_order_of_rows():
    texts = babble(60)
    codec, one = encoded(texts)
    turned = np.random.default_rng(0).permutation(60)
    other = codec.encode(Rows(turned.astype(np.int64), pl.DataFrame({"text": [texts[place] for place in turned]})))[0]

    def passages(batch: Batch) -> list[list[int]]:
        return sorted(packed(batch, codec.encoding)["inputs"].tolist())

    assert passages(one) == passages(other)


def test_nothing_is_packed_that_was_not_ordered():
    codec, pieces = encoded(babble(9))
    assert packed(pieces, replace(codec.encoding, packing=False)) is pieces
    nothing = {name: tensor[:0] for name, tensor in pieces.items()}
    assert packed(nothing, codec.encoding)["document"].shape == nothing["mask"].shape


# --- none sees another --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [LLAMA, GPT2])
def test_packed_is_unpacked(family):
    codec, pieces = encoded([*babble(40), "my shoe " * 20])
    module, found = live(family, codec), packed(pieces, codec.encoding)
    assert len(found["row"]) < len(pieces["row"]) / 1.2
    assert float(found["mask"].double().mean()) > 0.95
    (loss, slopes), (wanted, theirs) = learned(module, [found]), learned(module, [pieces])
    assert loss == pytest.approx(wanted, abs=1e-12)
    for mine, other in zip(slopes, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-12, rtol=1e-9)
    with torch.no_grad():
        whole, single = module(found)["next"], module(pieces)["next"]
    own = {tuple(row[mask].tolist()): out[mask] for row, mask, out in zip(pieces["inputs"], pieces["mask"], single)}
    for row, document, out in zip(found["inputs"], found["document"], whole):
        for number in range(1, int(document.max()) + 1):
            here = document == number
            torch.testing.assert_close(out[here], own[tuple(row[here].tolist())], atol=1e-12, rtol=0)


@pytest.mark.parametrize("family", [LLAMA, GPT2])
def test_it_would_be_seen_if_a_border_were_open(family):
    codec, pieces = encoded(babble(40))
    module, found = live(family, codec), packed(pieces, codec.encoding)
    open_border = {**found, "document": found["mask"].int()}
    assert abs(learned(module, [open_border])[0] - learned(module, [pieces])[0]) > 1e-3
    from_start = {name: tensor for name, tensor in found.items() if name != "document"}
    assert abs(learned(module, [from_start])[0] - learned(module, [pieces])[0]) > 1e-3


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_an_encoder_sees_the_whole_of_one_document(positions):
    codec, pieces = encoded(babble(12))
    family = Encoder(2, 16, 2, positions=positions)
    module = build(family, codec.reads, (Port("label", Classes(("a", "b"))),), 0).double().eval()
    found = packed(pieces, codec.encoding)
    with torch.no_grad():
        whole, single = module.states(found), module.states(pieces)
    own = {tuple(row[mask].tolist()): out[mask] for row, mask, out in zip(pieces["inputs"], pieces["mask"], single)}
    for row, document, out in zip(found["inputs"], found["document"], whole):
        for number in range(1, int(document.max()) + 1):
            here = document == number
            torch.testing.assert_close(out[here], own[tuple(row[here].tolist())], atol=1e-12, rtol=0)


# --- fed and judged -----------------------------------------------------------------------------------------------------


def test_a_feed_of_passages_cuts_what_all_lack():
    codec, pieces = encoded(babble(50), 64)
    found = packed(pieces, codec.encoding)
    feed = data.Feed(found, 4, 0, 2)
    seen = []
    for step in range(feed.steps_per_epoch):
        whole = [feed.batch(step, micro) for micro in (0, 1)]
        assert all(part["document"].shape == part["mask"].shape for part in whole)
        seen += [pair for part in whole for pair in zip(part["row"].tolist(), part["place"].tolist())]
    assert sorted(seen) == sorted(zip(found["row"].tolist(), found["place"].tolist()))


def test_parts_of_a_batch_have_the_slopes_of_the_whole():
    codec, pieces = encoded(babble(40))
    module, found = live(LLAMA, codec), packed(pieces, codec.encoding)
    whole, halves = data.Feed(found, 6, 0, 1), data.Feed(found, 6, 0, 2)
    (loss, slopes), (wanted, theirs) = (
        learned(module, [feed.batch(2, micro) for micro in range(feed.micros)]) for feed in (whole, halves)
    )
    assert loss == pytest.approx(wanted, abs=1e-12)
    for mine, other in zip(slopes, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-12, rtol=1e-9)


def test_passages_are_worth_what_their_pieces_are():
    codec, pieces = encoded(babble(40))
    module = live(LLAMA, codec).float()
    one, other = (evaluation.answer(module, codec, [batch]) for batch in (packed(pieces, codec.encoding), pieces))
    for mine, theirs in zip(evaluation.score(one, ()), evaluation.score(other, ()), strict=True):
        assert mine.value == pytest.approx(theirs.value, rel=1e-6)
    assert other.frame["row"].to_list() == pieces["row"].tolist(), "each row is told by its own pieces"


def test_pieces_asked_some_at_a_time_are_each_told_in_its_place():
    codec, pieces = encoded(babble(30))
    module = live(GPT2, codec).float()
    single = ({name: tensor[[place]] for name, tensor in pieces.items()} for place in range(len(pieces["row"])))
    one_by_one = torch.cat([nats(module, codec, piece) for piece in single])
    torch.testing.assert_close(nats(module, codec, pieces, 7), one_by_one, atol=1e-4, rtol=0)


def test_the_end_of_each_text_is_learned():
    codec, pieces = encoded(babble(20))
    found = packed(pieces, codec.encoding)
    assert int((found["next"] == END).sum()) == 20
