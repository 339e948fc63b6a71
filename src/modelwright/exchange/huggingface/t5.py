"""T5 and T5 1.1, FLAN among them (https://arxiv.org/abs/1910.10683)."""

from __future__ import annotations

from typing import Any

from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import Row, Tensors, row
from modelwright.models import EncoderDecoder
from modelwright.models.shapes import FeedForward
from modelwright.nouns import Refused
from modelwright.wording import say

FEEDS: dict[str, FeedForward] = {"relu": "relu", "gated-gelu": "geglu", "gated-silu": "swiglu"}
PLACES = 512
"""Tokens that are read and said where the config names no number: T5 itself has no end of them."""


def _attending(theirs: str, ours: str) -> tuple[Row, ...]:
    names = {"q": "query", "k": "key", "v": "value", "o": "out"}
    return tuple(row(f"{theirs}.{letter}", f"{ours}.{name}") for letter, name in names.items())


def _feeding(theirs: str, ours: str) -> tuple[Row, ...]:
    """wo is the last layer with a gate and without."""
    names = {"wi": "0", "wo": "2", "wi_0": "gate", "wi_1": "up"}
    plain = tuple(row(f"{theirs}.{name}", f"{ours}.{own}") for name, own in names.items())
    return (*plain, row(f"{theirs}.wo", f"{ours}.down"))


READ, SAID = "encoder.block.{n}.layer", "decoder.block.{n}.layer"
TABLE = (
    row("shared", "steps.table"),
    row("encoder.block.0.layer.0.SelfAttention.relative_attention_bias", "buckets.0.table"),
    row("decoder.block.0.layer.0.SelfAttention.relative_attention_bias", "buckets.1.table"),
    *_attending(f"{READ}.0.SelfAttention", "reader.{n}.attention"),
    row(f"{READ}.0.layer_norm", "reader.{n}.norms.0"),
    *_feeding(f"{READ}.1.DenseReluDense", "reader.{n}.feed"),
    row(f"{READ}.1.layer_norm", "reader.{n}.norms.1"),
    row("encoder.final_layer_norm", "ends.0"),
    *_attending(f"{SAID}.0.SelfAttention", "writer.{n}.attention"),
    row(f"{SAID}.0.layer_norm", "writer.{n}.norms.0"),
    *_attending(f"{SAID}.1.EncDecAttention", "writer.{n}.cross"),
    row(f"{SAID}.1.layer_norm", "writer.{n}.norms.1"),
    *_feeding(f"{SAID}.2.DenseReluDense", "writer.{n}.feed"),
    row(f"{SAID}.2.layer_norm", "writer.{n}.norms.2"),
    row("decoder.final_layer_norm", "ends.1"),
    row("lm_head", "write"),
)


def read(fields: Fields) -> Described:
    fields.one_of("is_encoder_decoder", True, True)
    for derived in ("dense_act_fn", "is_gated_act", "output_past", "prefix", "classifier_dropout"):
        fields.raw(derived)
    depth, tied = fields.number("num_layers"), fields.one_of("tie_word_embeddings", True, True, False)
    scaled = fields.raw("scale_decoder_outputs")
    family = EncoderDecoder(
        depth=depth, writing=fields.number("num_decoder_layers", depth), width=fields.number("d_model"),
        heads=fields.number("num_heads"), head=fields.number("d_kv"), hidden=fields.number("d_ff"), positions="buckets",
        buckets=fields.number("relative_attention_num_buckets", 32), far=fields.number("relative_attention_max_distance", 128),
        norm="rms", epsilon=fields.fraction("layer_norm_epsilon", 1e-6), order="pre",
        feed=FEEDS[fields.one_of("feed_forward_proj", "relu", *FEEDS)], bias=False, scaled=False, tied=tied,
        balance="writing" if (tied if scaled is None else scaled) else "none", dropout=fields.fraction("dropout_rate", 0.1),
    )  # fmt: skip
    longest = fields.number("n_positions", PLACES)
    start = fields.raw("decoder_start_token_id")
    if type(start) is not int or start < 0:
        raise fields.refuse("decoder_start_token_id", say("a whole number from 0 is needed"))
    return Described(family, fields.number("vocab_size"), longest, start=start)


def write(family: EncoderDecoder, alphabet: int, longest: int) -> dict[str, Any]:
    shape = family.attending
    if family.positions != "buckets" or shape.norm != "rms" or shape.order != "pre" or shape.bias:
        raise Refused(say("A model that replies has T5's shape with positions = buckets, norm = rms, order = pre and no bias."))
    words = {ours: theirs for theirs, ours in FEEDS.items()}
    if shape.feed not in words:
        facts = {"feed": shape.feed, "known": ", ".join(words)}
        raise Refused(say("T5 has no feed = {feed}; {known} are written.", **facts))
    return {
        "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "is_encoder_decoder": True, "d_model": shape.width,
        "d_kv": shape.head, "d_ff": shape.hidden, "num_heads": shape.heads, "num_layers": family.depth,
        "num_decoder_layers": family.depth if family.writing == "auto" else family.writing, "n_positions": longest,
        "relative_attention_num_buckets": family.buckets, "relative_attention_max_distance": family.far,
        "layer_norm_epsilon": shape.epsilon, "feed_forward_proj": words[shape.feed], "dropout_rate": family.dropout,
        "vocab_size": alphabet, "tie_word_embeddings": family.tied, "scale_decoder_outputs": family.tied,
    }  # fmt: skip


def unfolded(theirs: Tensors, family: EncoderDecoder) -> Tensors:
    """T5 divides no likeness, and states by the root of the width where tokens are tied, and only there."""
    shape, made = family.attending, dict(theirs)
    root = shape.width**0.5

    def multiplied(ending: str, times: float) -> None:
        for name in made:
            if name.endswith(ending):
                made[name] = made[name] * times

    if shape.scaled:
        for letter in ("SelfAttention.q.weight", "EncDecAttention.q.weight"):
            multiplied(letter, shape.head**-0.5)
    if family.balance == "reading":
        multiplied("shared.weight", root)
    if family.tied and family.balance == "none":
        multiplied("decoder.final_layer_norm.weight", root)
    if not family.tied and family.balance == "writing":
        multiplied("lm_head.weight", 1 / root)
    return made


T5 = Shape(
    types=("t5",), prefix="", read=read, write=write, table=TABLE,
    idle=(
        r"(encoder|decoder)\.embed_tokens\.weight",
        r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",
    ),
    unfolded=unfolded,
)  # fmt: skip
