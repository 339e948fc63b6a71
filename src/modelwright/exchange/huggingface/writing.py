"""An artifact becomes a folder that transformers loads: the same tables, read the other way."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import __version__, vault
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.pairs.paired import Paired
from modelwright.data.codecs.sentences.vectors import Sentences
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.exchange.huggingface import heads, spelling
from modelwright.exchange.huggingface.bert import BERT
from modelwright.exchange.huggingface.distilbert import DISTILBERT
from modelwright.exchange.huggingface.gpt2 import GPT2
from modelwright.exchange.huggingface.llama import LLAMA
from modelwright.exchange.huggingface.parity import Texts, around, proved
from modelwright.exchange.huggingface.shapes import Shape
from modelwright.exchange.huggingface.t5 import T5
from modelwright.exchange.renaming import Tensors, given, places
from modelwright.models import Decoder, Encoder, EncoderDecoder
from modelwright.nouns import Artifact, Refused, Tokens
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

HEAD = "lm_head.weight"
REPLACED = ("qwen2",)
"""Models that transformers 5 reads texts for with a tokenizer of its own making, whatever tokenizer.json says."""


def export(artifact: Artifact, folder: Path) -> float | None:
    """Commits the folder. How far transformers' own outputs are from ours on drawn tokens; None where it is not installed.

    Refused: a model that has no counterpart there. Unkept: transformers answers otherwise."""
    files, pooling = written(artifact)
    vault.put_folder(folder, files)
    for name, data in pooling.items():
        vault.put_file(folder / name, data)
    return proved(artifact, folder) if find_spec("transformers") else None


def written(artifact: Artifact) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The folder's files, and those that sentence-transformers reads as well, in the order in which they are to be put."""
    from safetensors.torch import save

    shape, codec = counterpart(artifact), artifact.codec
    assert isinstance(codec, (Passages, Sentences, Paired, Subtexts, Tagging))
    kind = codec.reads[0].kind
    assert isinstance(kind, Tokens)
    longest, encoder = kind.longest, isinstance(artifact.family, Encoder)
    config = shape.write(artifact.family, len(codec.tokenizer.pieces), longest)
    if encoder:
        config |= heads.told(codec, config["architectures"][0].removesuffix("Model"))
    word = config["model_type"]
    if word in REPLACED and not isinstance(codec.tokenizer, Adopted):
        told = say("transformers reads texts for a {word} with a tokenizer of its own, not with ours.", word=word)
        raise Refused(told, say("Train a decoder with bias = false."))
    ids = _numbers(codec, encoder)
    files = {
        "config.json": _json({**config, "dtype": "float32", **ids}),
        "model.safetensors": save(theirs(artifact, shape), {"format": "pt"}),
        **spelling.files(codec.tokenizer, longest, around(codec), encoder),
        "README.md": _card(artifact).encode(),
    }
    if isinstance(codec, Sentences):
        return files, _pooling(codec, artifact.family)
    return (files if encoder else {**files, "generation_config.json": _json(ids)}), {}


def _numbers(codec: Texts, encoder: bool) -> dict[str, Any]:
    """Of control tokens, as a config names them."""
    controls = codec.tokenizer.controls
    if encoder:
        return {"pad_token_id": controls.padding}
    stops = controls.stops[0] if len(controls.stops) == 1 else list(controls.stops) or None
    told = {"eos_token_id": stops, "pad_token_id": controls.padding}
    if isinstance(codec, Paired):
        return {"decoder_start_token_id": codec.first, **told}
    return {"bos_token_id": controls.begin[0] if controls.begin else None, **told}


def counterpart(artifact: Artifact) -> Shape:
    """Refused: what transformers has no model for."""
    family = artifact.family
    if artifact.edits:
        raise Refused(say("This model was changed in its shape after it learned: transformers has none like it."))
    if isinstance(family, Encoder) and isinstance(artifact.codec, (Sentences, Subtexts, Tagging, Passages)):
        return _encoder(family, artifact.codec)
    if isinstance(family, Decoder) and isinstance(artifact.codec, Passages):
        return LLAMA if family.base else GPT2
    if isinstance(family, EncoderDecoder) and isinstance(artifact.codec, Paired):
        if artifact.codec.replies is not artifact.codec.tokenizer:
            raise Refused(say("T5 reads and replies with one tokenizer; this model has two."))
        return T5
    told = say(
        "Only a decoder that goes on with texts, an encoder of texts through a tokenizer and a model that replies are written "
        "for transformers."
    )
    raise Refused(told, say("Others are written as ONNX: modelwright export ARTIFACT --to onnx -o DIR"))


def _encoder(family: Encoder, codec: Sentences | Subtexts | Tagging | Passages) -> Shape:
    """Refused: labels are answered from another place, or through another layer, than any of theirs does."""
    if not isinstance(codec, Subtexts):
        return BERT
    if family.answer != "first" or family.pooler == "none":
        told = say("Labels are written for transformers where the model has answer = first and pooler = tanh or relu.")
        raise Refused(told, say("Train it with   [model]  answer = \"first\" and pooler = \"tanh\""))
    return BERT if family.pooler == "tanh" else DISTILBERT


def theirs(artifact: Artifact, shape: Shape) -> Tensors:
    """Every weight under their names; those of a head stand beside the others, which have a prefix then."""
    alone = not isinstance(artifact.family, Decoder) and isinstance(artifact.codec, (Sentences, Paired))
    prefix = "" if alone else shape.prefix
    ours: dict[str, Tensor] = {name: weight.detach().cpu().float() for name, weight in artifact.module.state_dict().items()}
    found = shape.unfolded(given(places(shape.table, ours), ours), artifact.family)
    return {(name if name.startswith((HEAD, *shape.beside)) else f"{prefix}{name}"): weight for name, weight in found.items()}


def _pooling(codec: Sentences, family: Any) -> dict[str, bytes]:
    """What sentence-transformers reads: the last file makes it count."""
    told = codec.encoding
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), *([("Normalize", "2_Normalize")] if told.unit else [])]
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(kinds)
    ]
    modes = {"pooling_mode_cls_token": family.answer == "first", "pooling_mode_mean_tokens": family.answer == "mean"}
    return {
        "1_Pooling/config.json": _json({"word_embedding_dimension": told.width, **modes}),
        "sentence_bert_config.json": _json({"max_seq_length": told.longest, "do_lower_case": False}),
        "modules.json": _json(modules),
    }


def _json(told: Any) -> bytes:
    return json.dumps(told, indent=1, ensure_ascii=False).encode()


def _card(artifact: Artifact) -> str:
    """With the licence and the base in its head, as the hub reads them."""
    origin = artifact.origin
    named = {"license": origin.licence, "base_model": origin.model if "/" in origin.model else origin.base} if origin else {}
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in named.items() if value)
    story = "\n".join(f"- {line}" for line in artifact.story)
    return f"""---
{lines}library_name: transformers
---

# {say("A model written for transformers by modelwright {version}", version=__version__)}

## {say("How it came to be")}

{story}
"""
