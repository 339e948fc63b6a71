"""Llama (https://arxiv.org/abs/2302.13971) and those of its shape: SmolLM, Mistral, Qwen2, Qwen3."""

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
    row("layers.{n}.self_attn.q_norm", "blocks.{n}.attention.query_norm"),
    row("layers.{n}.self_attn.k_norm", "blocks.{n}.attention.key_norm"),
    row("layers.{n}.post_attention_layernorm", "blocks.{n}.norms.1"),
    row("layers.{n}.mlp.gate_proj", "blocks.{n}.feed.gate"),
    row("layers.{n}.mlp.up_proj", "blocks.{n}.feed.up"),
    row("layers.{n}.mlp.down_proj", "blocks.{n}.feed.down"),
    row("norm", "end"),
    row("lm_head", "write"),
)
PLACES = {"llama": 2048, "mistral": 131072, "qwen2": 32768, "qwen3": 32768}
WINDOW = {"mistral": 4096}
HEAD = {"qwen3": 128}
"""What each is where its field is not there."""
WORDS: dict[str, tuple[bool | str, bool]] = {"llama": (False, False), "qwen2": ("queries", False), "qwen3": (False, True)}
"""By bias and normed."""


def read(fields: Fields) -> Described:
    word = fields.told["model_type"]
    width, heads = fields.number("hidden_size"), fields.number("num_attention_heads")
    each = fields.number("head_dim", HEAD.get(word, width // heads))
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
        base=_base(fields), norm="rms", epsilon=fields.fraction("rms_norm_eps", 1e-6), feed="swiglu",
        bias="queries" if word == "qwen2" else False, tied=fields.one_of("tie_word_embeddings", False, False, True),
        each="auto" if each * heads == width else each, normed=word == "qwen3",
    )  # fmt: skip
    return Described(family, fields.number("vocab_size"), min(longest, window or longest), notes=notes)


def _window(fields: Fields, word: str) -> int:
    """Tokens that a layer looks back on; 0: all. A shorter text is answered the same with a window and without."""
    window = fields.raw("sliding_window") if "sliding_window" in fields.told else WINDOW.get(word)
    if word in ("qwen2", "qwen3") and not fields.one_of("use_sliding_window", False, False, True):
        window = None
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
    word = next((word for word, parts in WORDS.items() if parts == (shape.bias, shape.normed)), None)
    if not shape.base or shape.norm != "rms" or shape.feed != "swiglu" or word is None:
        told = say("This decoder has the shape of neither Llama nor Qwen: base, norm, feed, bias and normed decide that.")
        raise Refused(told)
    return {
        "architectures": [f"{word.title()}ForCausalLM"], "model_type": word, "hidden_act": "silu", "hidden_size": shape.width,
        "intermediate_size": shape.hidden, "num_hidden_layers": family.depth, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.groups, "head_dim": shape.head, "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.base, "rope_parameters": {"rope_type": "default", "rope_theta": shape.base},
        "max_position_embeddings": longest, "vocab_size": alphabet, "tie_word_embeddings": family.tied,
        "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip


LLAMA = Shape(
    types=("llama", "mistral", "qwen2", "qwen3"), prefix="model.", read=read, write=write, table=TABLE,
    idle=(r"(.*\.)?rotary_emb\.inv_freq",),
)  # fmt: skip
