"""DistilBERT (https://arxiv.org/abs/1910.01108): BERT without segments, under other names."""

from __future__ import annotations

from typing import Any

from modelwright.exchange.huggingface import heads
from modelwright.exchange.huggingface.bert import FEEDS, WORDS
from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.shapes import Described, Shape
from modelwright.exchange.renaming import row
from modelwright.models import Encoder
from modelwright.nouns import Refused
from modelwright.wording import say

EPSILON = 1e-12
"""Of every norm; its config has no field for it."""
TABLE = (
    row("embeddings.word_embeddings", "steps.table"),
    row("embeddings.position_embeddings", "places.table"),
    row("embeddings.LayerNorm", "start"),
    row("transformer.layer.{n}.attention.q_lin", "blocks.{n}.attention.query"),
    row("transformer.layer.{n}.attention.k_lin", "blocks.{n}.attention.key"),
    row("transformer.layer.{n}.attention.v_lin", "blocks.{n}.attention.value"),
    row("transformer.layer.{n}.attention.out_lin", "blocks.{n}.attention.out"),
    row("transformer.layer.{n}.sa_layer_norm", "blocks.{n}.norms.0"),
    row("transformer.layer.{n}.ffn.lin1", "blocks.{n}.feed.0"),
    row("transformer.layer.{n}.ffn.lin2", "blocks.{n}.feed.2"),
    row("transformer.layer.{n}.output_layer_norm", "blocks.{n}.norms.1"),
    row("pre_classifier", "pool"),
    row("classifier", "heads.ports.label"),
    row("classifier", "heads.ports.tags"),
    row("vocab_transform", "guess.layer"),
    row("vocab_layer_norm", "guess.norm"),
    row("vocab_projector", "guess"),
)


def read(fields: Fields) -> Described:
    head = heads.asked(fields)
    fields.one_of("sinusoidal_pos_embds", False, False, True)  # how vectors of places began; they stand among the weights
    fields.one_of("tie_word_embeddings", True, True, *([] if head.kind == "hidden" else [False]))
    for learning in ("seq_classif_dropout", "qa_dropout", "tie_weights_"):
        fields.raw(learning)
    bends = ["gelu"] if head.kind == "hidden" else ["gelu", "relu"]
    family = Encoder(
        depth=fields.number("n_layers", 6), width=fields.number("dim", 768), heads=fields.number("n_heads", 12),
        hidden=fields.number("hidden_dim", 3072), positions="learned", norm="layer", epsilon=EPSILON, order="post",
        feed=FEEDS[fields.one_of("activation", "gelu", *bends)], dropout=fields.fraction("dropout", 0.1),
        answer="first" if head.labels else "mean", pooler="relu" if head.labels else "none",
    )  # fmt: skip
    return Described(family, fields.number("vocab_size", 30522), fields.number("max_position_embeddings", 512), head=head)


def write(family: Encoder, alphabet: int, longest: int) -> dict[str, Any]:
    shape = family.attending
    plain = not shape.base and shape.order == "post" and shape.norm == "layer" and shape.epsilon == EPSILON
    if not plain or shape.feed not in ("gelu", "relu"):
        raise Refused(say("This encoder has not DistilBERT's shape: positions, order, norm, epsilon and feed decide that."))
    return {
        "architectures": ["DistilBertModel"], "model_type": "distilbert", "dim": shape.width, "hidden_dim": shape.hidden,
        "n_layers": family.depth, "n_heads": shape.heads, "activation": shape.feed, "dropout": family.dropout,
        "max_position_embeddings": longest, "vocab_size": alphabet, "sinusoidal_pos_embds": False,
    }  # fmt: skip


DISTILBERT = Shape(
    types=("distilbert",), prefix="distilbert.", read=read, write=write, table=TABLE,
    idle=(r"(embeddings\.)?position_ids", r"vocab_(transform|layer_norm|projector)\..*"),
    beside=("pre_classifier.", "classifier."), copies={"vocab_projector.weight": WORDS},
)  # fmt: skip
