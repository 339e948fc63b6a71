"""BERT (https://arxiv.org/abs/1810.04805) and those of its shape: MiniLM, and RoBERTa (https://arxiv.org/abs/1907.11692)."""

from __future__ import annotations

from typing import Any

from modelwright.exchange.huggingface import heads
from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import Tensors, row
from modelwright.models import Encoder
from modelwright.models.shapes import FeedForward
from modelwright.nouns import Refused
from modelwright.wording import say

FEEDS: dict[str, FeedForward] = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}
PLACES, SEGMENTS = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
WORDS = "embeddings.word_embeddings.weight"
BEGUN = 2
"""RoBERTa's first place: its number is one above that of padding, which is 1."""
BODY = (
    row("embeddings.word_embeddings", "steps.table"),
    row("embeddings.position_embeddings", "places.table"),
    row("embeddings.LayerNorm", "start"),
    row("encoder.layer.{n}.attention.self.query", "blocks.{n}.attention.query"),
    row("encoder.layer.{n}.attention.self.key", "blocks.{n}.attention.key"),
    row("encoder.layer.{n}.attention.self.value", "blocks.{n}.attention.value"),
    row("encoder.layer.{n}.attention.output.dense", "blocks.{n}.attention.out"),
    row("encoder.layer.{n}.attention.output.LayerNorm", "blocks.{n}.norms.0"),
    row("encoder.layer.{n}.intermediate.dense", "blocks.{n}.feed.0"),
    row("encoder.layer.{n}.output.dense", "blocks.{n}.feed.2"),
    row("encoder.layer.{n}.output.LayerNorm", "blocks.{n}.norms.1"),
)
TABLE = (
    *BODY,
    row("pooler.dense", "pool"),
    row("classifier", "heads.ports.label"),
    row("classifier", "heads.ports.tags"),
    row("cls.predictions.transform.dense", "guess.layer"),
    row("cls.predictions.transform.LayerNorm", "guess.norm"),
    row("cls.predictions", "guess"),
)
ROBERTAS = (
    *BODY,
    row("classifier.dense", "pool"),
    row("classifier.out_proj", "heads.ports.label"),
    row("classifier", "heads.ports.tags"),
    row("lm_head.dense", "guess.layer"),
    row("lm_head.layer_norm", "guess.norm"),
    row("lm_head", "guess"),
)


def read(fields: Fields) -> Described:
    return _described(fields, 0)


def read_roberta(fields: Fields) -> Described:
    fields.one_of("pad_token_id", 1, 1)
    return _described(fields, BEGUN)


def _described(fields: Fields, begun: int) -> Described:
    """begun: the row of the first place."""
    head = heads.asked(fields)
    width, segments = fields.number("hidden_size"), fields.number("type_vocab_size", 2)
    fields.one_of("position_embedding_type", "absolute", "absolute")
    fields.one_of("is_decoder", False, False)
    fields.one_of("add_cross_attention", False, False)
    fields.one_of("tie_word_embeddings", True, True, *([] if head.kind == "hidden" else [False]))
    places = fields.number("max_position_embeddings", None)
    if places <= begun:
        raise fields.refuse("max_position_embeddings", say("more than {n} are needed", n=begun))
    bends = [word for word in FEEDS if begun or head.kind != "hidden" or word == "gelu"]
    family = Encoder(
        depth=fields.number("num_hidden_layers"), width=width, heads=fields.number("num_attention_heads"),
        hidden=fields.number("intermediate_size"), positions="learned", norm="layer",
        epsilon=fields.fraction("layer_norm_eps", 1e-12), order="post",
        feed=FEEDS[fields.one_of("hidden_act", "gelu", *bends)], dropout=fields.fraction("hidden_dropout_prob", 0.1),
        answer="first" if head.labels else "mean", pooler="tanh" if head.labels else "none",
    )  # fmt: skip
    extra = {SEGMENTS: (segments, width), **({PLACES: (places, width)} if begun else {})}
    return Described(family, fields.number("vocab_size"), places - begun, extra, head=head)


def write(family: Encoder, alphabet: int, longest: int) -> dict[str, Any]:
    shape = family.attending
    if shape.base or shape.order != "post" or shape.norm != "layer" or shape.feed not in FEEDS.values():
        raise Refused(say("An encoder has BERT's shape with positions = learned, order = post, norm = layer and no gate."))
    return {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": shape.width,
        "hidden_act": {ours: theirs for theirs, ours in reversed(FEEDS.items())}[shape.feed],
        "intermediate_size": shape.hidden, "num_hidden_layers": family.depth, "num_attention_heads": shape.heads,
        "layer_norm_eps": shape.epsilon, "max_position_embeddings": longest, "vocab_size": alphabet, "type_vocab_size": 2,
        "hidden_dropout_prob": family.dropout, "position_embedding_type": "absolute",
    }  # fmt: skip


def folded(theirs: Tensors) -> Tensors:
    """The vector of the first segment, which every step gets where nothing is said, is added to those of the places."""
    rest = {name: tensor for name, tensor in theirs.items() if name != SEGMENTS}
    return {**rest, PLACES: theirs[PLACES] + theirs[SEGMENTS][0]}


def folded_roberta(theirs: Tensors) -> Tensors:
    """And the rows before the first place, which no step has, are left out."""
    whole = folded(theirs)
    return {**whole, PLACES: whole[PLACES][BEGUN:]}


def unfolded(theirs: Tensors, family: Encoder) -> Tensors:
    return {**theirs, SEGMENTS: theirs[PLACES].new_zeros(2, theirs[PLACES].shape[1])}


BERT = Shape(
    types=("bert",), prefix="bert.", read=read, write=write, table=TABLE,
    idle=(r"(embeddings\.)?position_ids", r"pooler\.dense\.(weight|bias)", r"cls\..*"), folded=folded, unfolded=unfolded,
    beside=("classifier.", "cls."),
    copies={"cls.predictions.decoder.weight": WORDS, "cls.predictions.decoder.bias": "cls.predictions.bias"},
)  # fmt: skip
ROBERTA = Shape(
    types=("roberta", "xlm-roberta"), prefix="roberta.", read=read_roberta, write=write, table=ROBERTAS,
    idle=(r"(embeddings\.)?position_ids", r"pooler\.dense\.(weight|bias)", r"lm_head\..*"), folded=folded_roberta,
    copies={"lm_head.decoder.weight": WORDS, "lm_head.decoder.bias": "lm_head.bias"},
)  # fmt: skip
