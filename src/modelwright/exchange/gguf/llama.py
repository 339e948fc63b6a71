"""Llama's shape as GGUF keeps it: what llama.* says, and the table of its tensors. E width of a head.

Its converter wrote the rows of queries and keys in another order, for a rotation that turns neighbours: numbers 2i and 2i + 1
of a head are i and i + E/2 of ours (https://github.com/ggml-org/llama.cpp, LlamaModel.permute).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.exchange.gguf.opening import Opened
from modelwright.exchange.huggingface.fields import LARGEST
from modelwright.exchange.huggingface.shapes import Described
from modelwright.exchange.renaming import row
from modelwright.models import Decoder
from modelwright.models.rotary import Llama3
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

WORD = "llama"
OUTPUT = "output.weight"
TURNS = "rope_freqs.weight"
"""By how much each turn is divided, as llama.cpp's converter writes it where rope_scaling is llama3."""
NEAR = 1e-4
QUERY, KEY = "attn_q.weight", "attn_k.weight"
TABLE = (
    row("token_embd", "steps.table"),
    row("blk.{n}.attn_norm", "blocks.{n}.norms.0"),
    row("blk.{n}.attn_q", "blocks.{n}.attention.query"),
    row("blk.{n}.attn_k", "blocks.{n}.attention.key"),
    row("blk.{n}.attn_v", "blocks.{n}.attention.value"),
    row("blk.{n}.attn_output", "blocks.{n}.attention.out"),
    row("blk.{n}.ffn_norm", "blocks.{n}.norms.1"),
    row("blk.{n}.ffn_gate", "blocks.{n}.feed.gate"),
    row("blk.{n}.ffn_up", "blocks.{n}.feed.up"),
    row("blk.{n}.ffn_down", "blocks.{n}.feed.down"),
    row("output_norm", "end"),
    row("output", "write"),
)


def described(told: Opened) -> Described:
    """Refused: another architecture, a fact that is missing, or one that would change answers and is not honoured here."""
    found = told.fact("general.architecture")
    if found != WORD:
        raise Refused(say("{file}: general.architecture = {found} is not known here; llama is.", file=told.file, found=found))
    facts = _Facts(told)
    width, heads = facts.count("embedding_length"), facts.count("attention.head_count")
    for name in ("rope.dimension_count", "attention.key_length", "attention.value_length"):
        facts.only(name, None, width // heads)
    facts.only("rope.scaling.type", None, "none")
    facts.only("attention.sliding_window", None, 0)
    facts.only("expert_count", None, 0)
    facts.only("attention.causal", None, True)
    base = facts.above("rope.freq_base", 10_000.0)
    family = Decoder(
        depth=facts.count("block_count"), width=width, heads=heads, groups=facts.count("attention.head_count_kv", heads),
        hidden=facts.count("feed_forward_length"), base=base, norm="rms",
        epsilon=facts.above("attention.layer_norm_rms_epsilon", None), feed="swiglu", bias=False,
        tied=OUTPUT not in told.tensors, scaling=_scaling(told, base, width // heads),
    )  # fmt: skip
    if "token_embd.weight" not in told.tensors:
        raise Refused(say("{file} does not hold {tensor}.", file=told.file, tensor="token_embd.weight"))
    alphabet = told.shape("token_embd.weight")[0]
    facts.only("vocab_size", None, alphabet)
    if family.depth > len(told.tensors):
        raise facts.wrong("block_count", say("{n} tensors do not hold so many blocks", n=f"{len(told.tensors):,}"))
    longest = facts.count("context_length")
    facts.finish()
    extra = {TURNS: told.shape(TURNS)} if TURNS in told.tensors else {}
    return Described(family, alphabet, longest, extra)


def _scaling(told: Opened, base: float, each: int) -> Llama3 | None:
    """What the file's turns are divided by, as Llama 3.1 and those after it say it; None: by nothing.

    Refused: they are divided otherwise."""
    import torch

    if TURNS not in told.tensors:
        return None
    found = told.read(TURNS).double() if told.shape(TURNS) == (each // 2,) else torch.zeros(1)
    if torch.equal(found, torch.ones_like(found)):
        return None
    factor = float(found.max())
    if factor > 1:
        pace = base ** (-torch.arange(0, each, 2).double() / each)
        scaling = Llama3(factor)
        if torch.allclose(pace / scaling.stretched(pace, base), found, rtol=NEAR):
            return scaling
    facts = {"file": told.file, "name": TURNS}
    raise Refused(say("{file}: {name} divides turns otherwise than Llama 3.1 does, which alone is read here.", **facts))


def unturned(tensor: Tensor, heads: int) -> Tensor:
    """(D, D): the rows of each head from neighbours to halves."""
    pairs = tensor.unflatten(0, (heads, -1, 2))  # (H, E/2, 2, D)
    return pairs.transpose(1, 2).reshape(tensor.shape)


class _Facts:
    """What llama.* says, name by name; finish() refuses what nobody asked for."""

    def __init__(self, told: Opened) -> None:
        self.told = told
        self.left = {name.removeprefix(f"{WORD}.") for name in told.said if name.startswith(f"{WORD}.")}

    def count(self, name: str, otherwise: int | None = None) -> int:
        found = self._found(name, otherwise)
        if type(found) is not int or found < 1:
            raise self._wrong(name, found, say("a whole number from 1 is needed"))
        if found > LARGEST:
            raise self._wrong(name, found, say("no model has so many"))
        return found

    def above(self, name: str, otherwise: float | None) -> float:
        found = self._found(name, otherwise)
        if not isinstance(found, float) or not 0 < found < float("inf"):
            raise self._wrong(name, found, say("a number above 0 is needed"))
        return float(f"{found:.7g}")  # the file holds float32: 0.00001, not 0.0000099999997

    def only(self, name: str, *fits: Any) -> None:
        self.left.discard(name)
        found = self.told.fact(f"{WORD}.{name}")
        if found not in fits:
            raise self._wrong(name, found, say("only {fits} is read here", fits=", ".join(repr(fit) for fit in fits if fit)))

    def finish(self) -> None:
        for name in sorted(self.left):
            raise self._wrong(name, self.told.fact(f"{WORD}.{name}"), say("this is not known here and might change answers"))

    def _found(self, name: str, otherwise: Any) -> Any:
        self.left.discard(name)
        found = self.told.fact(f"{WORD}.{name}")
        if found is None and otherwise is None:
            raise Refused(say("{file} does not say {name}.", file=self.told.file, name=f"{WORD}.{name}"))
        return otherwise if found is None else found

    def wrong(self, name: str, problem: str) -> Refused:
        return self._wrong(name, self.told.fact(f"{WORD}.{name}"), problem)

    def _wrong(self, name: str, found: Any, problem: str) -> Refused:
        facts = {"file": self.told.file, "name": f"{WORD}.{name}", "found": str(found)[:80]}
        return Refused(say("{file}: {name} = {found}: {problem}.", **facts, problem=problem))
