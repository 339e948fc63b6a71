"""Llama and those of its shape: Mistral, SmolLM (https://arxiv.org/abs/2302.13971)."""

from __future__ import annotations

from typing import Any

from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import row
from modelwright.models import Decoder
from modelwright.nouns import Refused
from modelwright.wording import say

TABLE = (
    row("embed_tokens", "steps.table"),
    row("layers.{n}.input_layernorm", "blocks.{n}.norms.0"),
    row("layers.{n}.self_attn.q_proj", "blocks.{n}.attention.query"),
    row("layers.{n}.self_attn.k_proj", "blocks.{n}.attention.key"),
    row("layers.{n}.self_attn.v_proj", "blocks.{n}.attention.value"),
    row("layers.{n}.self_attn.o_proj", "blocks.{n}.attention.out"),
    row("layers.{n}.post_attention_layernorm", "blocks.{n}.norms.1"),
    row("layers.{n}.mlp.gate_proj", "blocks.{n}.feed.gate"),
    row("layers.{n}.mlp.up_proj", "blocks.{n}.feed.up"),
    row("layers.{n}.mlp.down_proj", "blocks.{n}.feed.down"),
    row("norm", "end"),
    row("lm_head", "write"),
)
WINDOW = {"mistral": 4096}
"""Where the field is not there."""
PLACES = {"llama": 2048, "mistral": 131072}


def read(fields: Fields) -> Described:
    word = fields.told["model_type"]
    width, heads = fields.number("hidden_size"), fields.number("num_attention_heads")
    if fields.raw("head_dim") not in (None, width // heads):
        raise fields.refuse("head_dim", say("only hidden_size / num_attention_heads is read here"))
    fields.one_of("hidden_act", "silu", "silu", "swish")
    fields.one_of("attention_bias", False, False)
    fields.one_of("mlp_bias", False, False)
    longest = fields.number("max_position_embeddings", PLACES[word])
    window = _window(fields, word)
    notes = ()
    if window and window < longest:
        notes = (say("It looks back on {window} tokens, its sliding_window: within these it answers as ever.", window=window),)
    family = Decoder(
        depth=fields.number("num_hidden_layers"), width=width, heads=heads,
        groups=fields.number("num_key_value_heads", heads), hidden=fields.number("intermediate_size"),
        base=_base(fields), norm="rms", epsilon=fields.fraction("rms_norm_eps", 1e-6), feed="swiglu", bias=False,
        tied=fields.one_of("tie_word_embeddings", False, False, True),
    )  # fmt: skip
    return Described(family, fields.number("vocab_size"), min(longest, window or longest), notes=notes)


def _window(fields: Fields, word: str) -> int:
    """Tokens that a layer looks back on; 0: all. A shorter text is answered the same with a window and without."""
    window = fields.raw("sliding_window") if "sliding_window" in fields.told else WINDOW.get(word)
    kinds = fields.raw("layer_types") or []
    if not isinstance(kinds, list) or not set(kinds) <= {"full_attention", "sliding_attention"}:
        raise fields.refuse("layer_types", say("only full_attention and sliding_attention are read here"))
    if window is None:
        return 0
    if type(window) is not int or window < 1:
        raise fields.refuse("sliding_window", say("a whole number from 1 is needed"))
    return window


def _base(fields: Fields) -> float:
    """Of the rotary wavelengths, as older and newer files say it. Refused: they are scaled or turn only a part."""
    told = fields.raw("rope_parameters")
    name = "rope_parameters" if told is not None else "rope_scaling"
    told = fields.raw("rope_scaling") if told is None else told
    told = {} if told is None else told
    known = {"rope_theta", "rope_type", "type"}
    if not isinstance(told, dict) or not set(told) <= known or {told.get("rope_type"), told.get("type")} - {None, "default"}:
        raise fields.refuse(name, say("only plain rotary positions are read here"))
    for other in ("partial_rotary_factor", "rotary_pct"):
        if fields.raw(other) not in (None, 1.0, 1):
            raise fields.refuse(other, say("only 1 is read here"))
    base = told.get("rope_theta", fields.fraction("rope_theta", 10_000.0))
    if isinstance(base, bool) or not isinstance(base, (int, float)) or base <= 0:
        raise fields.refuse(name, say("rope_theta above 0 is needed"))
    return float(base)


def write(family: Decoder, alphabet: int, longest: int) -> dict[str, Any]:
    shape = family.attending
    if not shape.base or shape.norm != "rms" or shape.feed != "swiglu" or shape.bias:
        raise Refused(say("A decoder with base = 0, or with bias, has not the shape of Llama."))
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": shape.width,
        "intermediate_size": shape.hidden, "num_hidden_layers": family.depth, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.groups, "head_dim": shape.width // shape.heads, "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.base, "rope_parameters": {"rope_type": "default", "rope_theta": shape.base},
        "max_position_embeddings": longest, "vocab_size": alphabet, "tie_word_embeddings": family.tied,
        "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip


LLAMA = Shape(
    types=("llama", "mistral"), prefix="model.", read=read, write=write, table=TABLE,
    idle=(r"(.*\.)?rotary_emb\.inv_freq",),
)  # fmt: skip
