"""GPT-2. It keeps its kernels as (in, out), and queries, keys and values side by side."""

from __future__ import annotations

from typing import Any

from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import row
from modelwright.models import Decoder
from modelwright.models.shapes import FeedForward
from modelwright.nouns import Refused
from modelwright.wording import say

FEEDS: dict[str, FeedForward] = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}
TABLE = (
    row("wte", "steps.table"),
    row("wpe", "places.table"),
    row("h.{n}.ln_1", "blocks.{n}.norms.0"),
    row("h.{n}.attn.c_attn", *(f"blocks.{{n}}.attention.{name}" for name in ("query", "key", "value")), turned=True),
    row("h.{n}.attn.c_proj", "blocks.{n}.attention.out", turned=True),
    row("h.{n}.ln_2", "blocks.{n}.norms.1"),
    row("h.{n}.mlp.c_fc", "blocks.{n}.feed.0", turned=True),
    row("h.{n}.mlp.c_proj", "blocks.{n}.feed.2", turned=True),
    row("ln_f", "end"),
    row("lm_head", "write"),
)


def read(fields: Fields) -> Described:
    width = fields.number("n_embd", 768)
    fields.one_of("scale_attn_weights", True, True)
    fields.one_of("scale_attn_by_inverse_layer_idx", False, False)
    fields.one_of("add_cross_attention", False, False)
    family = Decoder(
        depth=fields.number("n_layer", 12), width=width, heads=fields.number("n_head", 12),
        hidden=fields.number("n_inner", 4 * width), base=0, norm="layer",
        epsilon=fields.fraction("layer_norm_epsilon", 1e-5),
        feed=FEEDS[fields.one_of("activation_function", "gelu_new", *FEEDS)], bias=True,
        tied=fields.one_of("tie_word_embeddings", True, True, False), dropout=fields.fraction("resid_pdrop", 0.1),
    )  # fmt: skip
    return Described(family, fields.number("vocab_size", 50257), fields.number("n_positions", 1024))


def write(family: Decoder, alphabet: int, longest: int) -> dict[str, Any]:
    shape = family.attending
    plain = shape.bias is True and not shape.each and not shape.normed and shape.groups == shape.heads
    if shape.base or shape.norm != "layer" or shape.feed not in FEEDS.values() or not plain:
        raise Refused(say("A decoder has the shape of GPT-2 with base = 0, norm = layer, bias, no gate and no groups."))
    return {
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": shape.width, "n_inner": shape.hidden,
        "activation_function": {ours: theirs for theirs, ours in reversed(FEEDS.items())}[shape.feed],
        "n_layer": family.depth, "n_head": shape.heads, "n_positions": longest, "vocab_size": alphabet,
        "layer_norm_epsilon": shape.epsilon, "tie_word_embeddings": family.tied, "resid_pdrop": family.dropout,
    }  # fmt: skip


GPT2 = Shape(
    types=("gpt2",), prefix="transformer.", read=read, write=write, table=TABLE,
    idle=(r"h\.\d+\.attn\.(masked_)?bias",),
)  # fmt: skip
