"""Generation: the memory changes nothing, unequal prompts in one batch say what each says alone; how tokens are drawn."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.machine import tuned
from modelwright.models import Decoder, build
from modelwright.models.beams import beams
from modelwright.models.generation import begun, generate, onward
from modelwright.models.networks import packed
from modelwright.models.networks.packed import Saying, packable
from modelwright.models.reading import Reading
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
    (plain,), (varied,) = (generate(module, [[5, 5, 5]], Sampling(most=12, repetition=r)) for r in (1.0, 50.0))
    assert len(set(varied)) == 12
    assert 5 not in varied
    assert len(set(plain)) < 12


@pytest.mark.parametrize("how", [Sampling(most=60), Sampling(most=60, temperature=1.5, seed=3, repetition=1.2)])
def test_what_is_said_depends_on_no_neighbour_even_where_the_places_are_full(how):
    module, prompts = decoder(FAMILIES[0]), [*PROMPTS, [4] * 45]
    together, alone = ([begun(prompt, how) for prompt in prompts] for _ in range(2))
    for _ in onward(module, together, how):
        pass
    for text in alone:
        for _ in onward(module, [text], how):
            pass
    assert [text.tokens for text in together] == [text.tokens for text in alone]
    assert [len(text.tokens) - len(prompt) for text, prompt in zip(together, prompts)] == [60] * 4


class Only:
    """A guide: these tokens in turn, then an end."""

    def __init__(self, tokens):
        self.tokens = tokens

    @property
    def whole(self):
        return not self.tokens

    def allowed(self):
        return torch.nn.functional.one_hot(torch.tensor(self.tokens[0]), 23).bool()

    def told(self, token):
        assert token == self.tokens[0]
        self.tokens = self.tokens[1:]
        return bool(self.tokens)

    def fork(self):
        return Only(self.tokens)


def test_a_guide_is_followed_in_a_batch_and_in_beams():
    module, how = decoder(FAMILIES[0]), Sampling(most=9)
    texts = [begun(PROMPTS[0], how, Only([7, 8, 9])), begun(PROMPTS[1], how), begun(PROMPTS[2], how, Only([1]))]
    for _ in onward(module, texts, how):
        pass
    said = [text.tokens[len(prompt) :] for text, prompt in zip(texts, PROMPTS)]
    assert said == [[7, 8, 9], generate(module, [PROMPTS[1]], how)[0], [1]]
    assert [text.over for text in texts] == [True, False, True]
    assert beams(module, PROMPTS[0], replace(how, beams=3), Only([4, 5])) == [4, 5]


@pytest.mark.parametrize(("prompts", "sentence"), [([[1], []], "A prompt is empty"), ([[2] * 40], "has 40 tokens")])
def test_prompts_that_cannot_be_gone_on_from(prompts, sentence):
    with pytest.raises(Refused, match=sentence):
        generate(decoder(FAMILIES[0]), prompts, Sampling())


# --- laid out for one token at a time -----------------------------------------------------------------------------------

LLAMA = [FAMILIES[0], Decoder(2, 48, 3, groups=1, tied=False), Decoder(1, 32, 2, base=500.0, hidden=20)]


@pytest.mark.parametrize("family", LLAMA)
@pytest.mark.parametrize("seed", range(2))
def test_a_decoder_laid_out_anew_says_the_same(family, seed):
    module = decoder(family, seed)
    if not packable(module):
        pytest.skip("torch has no oneDNN here")
    quick = Saying(module)
    for how in (Sampling(most=25), Sampling(most=25, temperature=1.0, seed=2, repetition=1.3)):
        assert generate(quick, PROMPTS, how) == generate(module, PROMPTS, how)
        assert [generate(quick, [prompt], how)[0] for prompt in PROMPTS] == generate(module, PROMPTS, how)
    assert beams(quick, PROMPTS[0], Sampling(most=8, beams=3)) == beams(module, PROMPTS[0], Sampling(most=8, beams=3))
    many = [[n % 20 + 1] for n in range(packed.FEW + 3)]
    assert generate(quick, many, Sampling(most=4)) == generate(module, many, Sampling(most=4))


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16])
def test_its_logits_are_as_near_the_exact_ones_as_the_decoders_own(numbers):
    module = decoder(LLAMA[1]).to(numbers)
    if not packable(module):
        pytest.skip("torch has no oneDNN here")
    exact = Reading(deepcopy(module).double(), PROMPTS)
    plain, quick = Reading(module, PROMPTS), Reading(Saying(module), PROMPTS)
    off: dict[str, list[float]] = {"plain": [], "quick": []}
    for token in range(1, 13):
        for reading in (exact, plain, quick):
            reading.read(torch.full((3,), token))
        for name, reading in (("plain", plain), ("quick", quick)):
            off[name].append(float((reading.logits - exact.logits).abs().max()))
    assert max(off["quick"]) < 2 * max(off["plain"])
    assert max(off["quick"]) > 0


def test_only_what_it_knows_is_laid_out_anew():
    assert not packable(decoder(FAMILIES[1]))
    assert not packable(decoder(FAMILIES[0]).train())
    assert not packable(decoder(FAMILIES[0]).double())
    assert not packable(decoder(replace(FAMILIES[0], normed=True)))
    assert not packable(decoder(replace(FAMILIES[0], bias="queries")))
    other = decoder(FAMILIES[0])
    other.blocks[1].attention.key = torch.nn.Sequential(other.blocks[1].attention.key)
    assert not packable(other)


# --- beams --------------------------------------------------------------------------------------------------------------

FEW, AFTER = Port("inputs", Tokens(5, 12)), Port("next", Tokens(5, 12))


def few(seed):
    module = build(FAMILIES[0], (FEW,), (AFTER,), seed).eval()
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim == 2:
                weight.mul_(3)
    return module


def brute_force(module, prompt, how):
    """Every text of at most how.most tokens over 5, judged whole: the best of them."""
    best, worth = None, -float("inf")
    for count in range(how.most + 1):
        for said in product(range(5), repeat=count):
            whole = [*said] if count == how.most else [*said, how.stop[0]]
            if set(said) & {*how.stop, *how.never}:
                continue
            tokens = torch.tensor([[*prompt, *whole]])
            with torch.no_grad():
                likely = module({"inputs": tokens, "mask": torch.ones_like(tokens, dtype=torch.bool)})["next"][0]
            likely[:, list(how.never)] = -torch.inf
            steps = likely.log_softmax(1)[len(prompt) - 1 : -1]
            found = float(steps.gather(1, tokens[0, len(prompt) :, None]).double().sum()) / len(whole) ** how.length
            if found > worth:
                best, worth = [*said], found
    return best


@pytest.mark.parametrize("length", [0.0, 1.0, 2.0, -0.5])
@pytest.mark.parametrize("seed", range(3))
def test_beams_wide_enough_find_the_best_of_all_texts(length, seed):
    module, how = few(seed), Sampling(most=4, beams=200, length=length, stop=(0,), never=(3,))
    wanted = brute_force(module, [1, 2], how)
    assert beams(module, [1, 2], how) == wanted


def likelihood(module, prompt, said):
    tokens = torch.tensor([[*prompt, *said]])
    with torch.no_grad():
        likely = module({"inputs": tokens, "mask": torch.ones_like(tokens, dtype=torch.bool)})["next"][0].log_softmax(1)
    return float(likely[len(prompt) - 1 : -1].gather(1, tokens[0, len(prompt) :, None]).sum())


def test_few_beams_do_no_worse_than_the_likeliest_token_each_time():
    better = 0
    for seed in range(6):
        module, how = decoder(FAMILIES[0], seed), Sampling(most=8, beams=4)
        greedy, found = generate(module, [PROMPTS[0]], replace(how, beams=1))[0], beams(module, PROMPTS[0], how)
        gain = likelihood(module, PROMPTS[0], found) - likelihood(module, PROMPTS[0], greedy)
        assert gain > -1e-4
        better += gain > 1e-3
    assert better


def test_beams_draw_nothing():
    with pytest.raises(Refused, match="Beams look for the likeliest text and draw nothing"):
        beams(decoder(FAMILIES[0]), [1], Sampling(beams=2, temperature=1.0))
