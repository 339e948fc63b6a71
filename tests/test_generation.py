"""Generation: the memory changes nothing, unequal prompts in one batch say what each says alone; how tokens are drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.machine import tuned
from modelwright.models import Decoder, build
from modelwright.models.generation import generate
from modelwright.models.sampling import Sampling, chances, penalised
from modelwright.nouns import Port, Refused, Tokens, Tuning

TOKENS, NEXT = Port("inputs", Tokens(23, 40)), Port("next", Tokens(23, 40))
PROMPTS = [[3, 4, 5, 6, 7], [9], [12, 2, 2]]
FAMILIES = [Decoder(2, 32, 4, groups=2), Decoder(2, 32, 4, base=0, norm="layer", feed="gelu_tanh", bias=True)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


def decoder(family, seed=0):
    """Weights as they begin say nearly the same everywhere: they are made louder."""
    module = build(family, (TOKENS,), (NEXT,), seed).eval()
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim == 2:
                weight.mul_(3)
    return module


def read_again(module, prompt, count):
    """Greedy, the whole text read anew for each token: what memory must equal."""
    text = list(prompt)
    for _ in range(count):
        batch = {"inputs": torch.tensor([text]), "mask": torch.ones(1, len(text), dtype=torch.bool)}
        with torch.no_grad():
            text.append(int(module(batch)["next"][0, -1].argmax()))
    return text[len(prompt) :]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_memory_and_batch_change_no_token(family, seed):
    module = decoder(family, seed)
    wanted = [read_again(module, prompt, 12) for prompt in PROMPTS]
    assert len({tuple(row) for row in wanted}) == 3
    assert generate(module, PROMPTS, Sampling(most=12)) == wanted
    assert [generate(module, [prompt], Sampling(most=12))[0] for prompt in PROMPTS] == wanted


def test_it_ends_at_a_stop_and_at_the_last_place():
    module = decoder(FAMILIES[0])
    (whole,) = generate(module, [PROMPTS[0]], Sampling(most=1000))
    assert len(whole) == 40 - len(PROMPTS[0])
    stop = whole[4]
    (short,) = generate(module, [PROMPTS[0]], Sampling(most=1000, stop=(stop,)))
    assert short == whole[: whole.index(stop)]


def test_draws_are_a_function_of_the_seed():
    module, how = decoder(FAMILIES[0]), Sampling(most=20, temperature=1.5, seed=1)
    assert generate(module, PROMPTS, how) == generate(module, PROMPTS, how)
    assert generate(module, PROMPTS, how) != generate(module, PROMPTS, replace(how, seed=2))


NUMBERS = st.floats(-8, 8, allow_subnormal=False)
LOGITS = st.lists(NUMBERS, min_size=4, max_size=12, unique=True).map(lambda row: torch.tensor([row]))


@given(LOGITS, st.integers(1, 12))
@settings(max_examples=60)
def test_top_k_keeps_the_likeliest(logits, k):
    kept = chances(logits, Sampling(temperature=1, top_k=k))[0]
    assert set(kept.nonzero()[:, 0].tolist()) >= set(logits[0].topk(min(k, len(kept))).indices.tolist()[:1])
    assert (kept > 0).sum() <= max(k, (logits[0] >= logits[0].topk(min(k, len(kept))).values[-1]).sum())


@given(LOGITS, st.floats(0.05, 0.99, allow_subnormal=False))
@settings(max_examples=60)
def test_top_p_keeps_the_fewest_that_are_enough(logits, p):
    plain, kept = logits.softmax(1)[0], chances(logits, Sampling(temperature=1, top_p=p))[0] > 0
    assert plain[kept].sum() >= p - 1e-5
    least = plain[kept].min()
    assert plain[kept].sum() - least < p + 1e-5, "one fewer would have been enough"
    assert plain[~kept].numel() == 0 or plain[~kept].max() <= least


@given(LOGITS, st.floats(0.01, 0.9, allow_subnormal=False))
@settings(max_examples=60)
def test_min_p_is_a_share_of_the_likeliest(logits, p):
    plain = logits.softmax(1)[0]
    kept = chances(logits, Sampling(temperature=1, min_p=p))[0] > 0
    clear = (plain / plain.max() - p).abs() > 1e-5
    assert ((plain >= p * plain.max()) == kept)[clear].all()


def test_temperature_divides():
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    torch.testing.assert_close(chances(logits, Sampling(temperature=2.0)), (logits / 2).softmax(1))


def test_what_was_said_is_less_likely():
    logits, said = torch.tensor([[2.0, -2.0, 1.0]]), torch.tensor([[True, True, False]])
    assert penalised(logits, said, Sampling(repetition=2.0)).tolist() == [[1.0, -4.0, 1.0]]
    module = decoder(FAMILIES[0])
    (plain,), (varied,) = (generate(module, [[5, 5, 5]], Sampling(most=15, repetition=r)) for r in (1.0, 50.0))
    assert len(set(varied)) == 15
    assert 5 not in varied
    assert len(set(plain)) < 15


@pytest.mark.parametrize(("prompts", "sentence"), [([[1], []], "A prompt is empty"), ([[2] * 40], "has 40 tokens")])
def test_prompts_that_cannot_be_gone_on_from(prompts, sentence):
    with pytest.raises(Refused, match=sentence):
        generate(decoder(FAMILIES[0]), prompts, Sampling())
