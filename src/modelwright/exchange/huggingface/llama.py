"""Llama (https://arxiv.org/abs/2302.13971) and those of its shape: SmolLM, Mistral, Qwen2, Qwen3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import row
from modelwright.models import Decoder
from modelwright.models.rotary import Linear, Llama3, Scaling, Yarn
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
STRETCHED: dict[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "yarn": ("factor", "original_max_position_embeddings"),
}
"""By rope_type, what it says."""
PERHAPS: dict[str, dict[str, float | bool | None]] = {
    "yarn": {"beta_fast": 32.0, "beta_slow": 1.0, "attention_factor": None, "truncate": True}
}
"""And what it may leave out, with what is meant then."""
KNOWN = "linear, llama3, yarn"


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
    base, scaling = _rotary(fields)
    family = Decoder(
        depth=fields.number("num_hidden_layers"), width=width, heads=heads,
        groups=fields.number("num_key_value_heads", heads), hidden=fields.number("intermediate_size"),
        base=base, norm="rms", epsilon=fields.fraction("rms_norm_eps", 1e-6), feed="swiglu",
        bias="queries" if word == "qwen2" else False, tied=fields.one_of("tie_word_embeddings", False, False, True),
        each="auto" if each * heads == width else each, normed=word == "qwen3", scaling=scaling,
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


def _rotary(fields: Fields) -> tuple[float, Scaling | None]:
    """The base of the rotary wavelengths and how they are stretched, as older and newer files say it.

    Refused: they are stretched in another way, or turn only a part."""
    told = fields.raw("rope_parameters")
    name = "rope_parameters" if told is not None else "rope_scaling"
    told = fields.raw("rope_scaling") if told is None else told
    told = {} if told is None else told
    for other in ("partial_rotary_factor", "rotary_pct"):
        if fields.raw(other) not in (None, 1.0, 1):
            raise fields.refuse(other, say("only 1 is read here"))
    if not isinstance(told, dict):
        raise fields.refuse(name, say("an object of JSON is needed"))
    word = told.get("rope_type", told.get("type", "default"))
    named = STRETCHED.get(word) if isinstance(word, str) else None
    perhaps = PERHAPS.get(word, {}) if isinstance(word, str) else {}
    if named is None or not set(told) <= {"rope_theta", "rope_type", "type", *named, *perhaps}:
        raise fields.refuse(name, say("only plain rotary positions and those stretched as {known} are read here", known=KNOWN))
    base = _above(fields, name, "rope_theta", told.get("rope_theta", fields.fraction("rope_theta", 10_000.0)))
    found = [_above(fields, name, key, told.get(key)) for key in named]
    if word == "linear":
        return base, Linear(*found)
    if word in ("llama3", "yarn") and found[-1] % 1:
        raise fields.refuse(name, say("a whole number of places is needed"))
    if word == "llama3":
        factor, low, high, first = found
        return base, Llama3(factor, low, high, int(first))
    return base, _yarn(fields, name, told, *found) if word == "yarn" else None


def _yarn(fields: Fields, name: str, told: Mapping[str, Any], factor: float, first: float) -> Yarn:
    said = {key: otherwise if told.get(key) is None else told[key] for key, otherwise in PERHAPS["yarn"].items()}
    if said.pop("truncate") is not True:
        raise fields.refuse(name, say("only truncate = true is read here"))
    fast, slow, loudness = (None if value is None else _above(fields, name, key, value) for key, value in said.items())
    assert fast is not None and slow is not None
    return Yarn(factor, fast, slow, int(first), "auto" if loudness is None else loudness)


def _above(fields: Fields, name: str, key: str, found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found < float("inf"):
        raise fields.refuse(name, say("{key} above 0 is needed", key=key))
    return float(found)


def _stretched(scaling: Scaling | None) -> dict[str, Any]:
    """As rope_parameters says it."""
    match scaling:
        case None:
            return {"rope_type": "default"}
        case Linear():
            return {"rope_type": "linear", "factor": scaling.factor}
        case Llama3():
            values = (scaling.factor, scaling.low, scaling.high, scaling.first)
            return {"rope_type": "llama3", **dict(zip(STRETCHED["llama3"], values, strict=True))}
        case Yarn():
            told = {"factor": scaling.factor, "original_max_position_embeddings": scaling.first}
            louder = {} if scaling.loudness == "auto" else {"attention_factor": scaling.loudness}
            return {"rope_type": "yarn", **told, "beta_fast": scaling.fast, "beta_slow": scaling.slow, **louder}


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
        "rope_theta": shape.base, "rope_parameters": {**_stretched(shape.scaling), "rope_theta": shape.base},
        "max_position_embeddings": longest, "vocab_size": alphabet, "tie_word_embeddings": family.tied,
        "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip


LLAMA = Shape(
    types=("llama", "mistral", "qwen2", "qwen3"), prefix="model.", read=read, write=write, table=TABLE,
    idle=(r"(.*\.)?rotary_emb\.inv_freq",),
)  # fmt: skip
