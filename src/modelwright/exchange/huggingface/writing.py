"""An artifact becomes a folder that transformers loads: the same tables, read the other way."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import __version__, vault
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.sentences.vectors import Sentences
from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.tokenizing import Controls
from modelwright.exchange.huggingface import spelling
from modelwright.exchange.huggingface.bert import BERT
from modelwright.exchange.huggingface.gpt2 import GPT2
from modelwright.exchange.huggingface.llama import LLAMA
from modelwright.exchange.huggingface.shapes import Shape
from modelwright.exchange.renaming import Tensors, given, places
from modelwright.models import Decoder, Encoder
from modelwright.nouns import Artifact, Refused, Tokens, Unkept
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

HEAD = "lm_head.weight"
ALLOWED = 1e-5
"""By which an output of transformers may differ, of what is largest among ours; float32."""
STEPS = (7, 3)
"""Tokens of the rows that are held against each other."""
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
    assert isinstance(codec, (Passages, Sentences))
    longest = _read(artifact).longest
    encoder = isinstance(codec, Sentences)
    config = shape.write(artifact.family, len(codec.tokenizer.pieces), longest)
    word = config["model_type"]
    if word in REPLACED and not isinstance(codec.tokenizer, Adopted):
        told = say("transformers reads texts for a {word} with a tokenizer of its own, not with ours.", word=word)
        raise Refused(told, say("Train a decoder with bias = false."))
    ids = _numbers(codec.tokenizer.controls, encoder)
    files = {
        "config.json": _json({**config, "dtype": "float32", **ids}),
        "model.safetensors": save(theirs(artifact, shape), {"format": "pt"}),
        **spelling.files(codec.tokenizer, longest, encoder),
        "README.md": _card(artifact).encode(),
    }
    if encoder:
        return files, _pooling(codec, artifact.family)
    return {**files, "generation_config.json": _json(ids)}, {}


def _numbers(controls: Controls, encoder: bool) -> dict[str, Any]:
    """Of control tokens, as a config names them."""
    if encoder:
        return {"pad_token_id": controls.padding}
    stops = controls.stops[0] if len(controls.stops) == 1 else list(controls.stops) or None
    return {
        "bos_token_id": controls.begin[0] if controls.begin else None, "eos_token_id": stops, "pad_token_id": controls.padding
    }  # fmt: skip


def counterpart(artifact: Artifact) -> Shape:
    """Refused: what transformers has no model for."""
    family = artifact.family
    if artifact.edits:
        raise Refused(say("This model was changed in its shape after it learned: transformers has none like it."))
    if isinstance(family, Encoder) and isinstance(artifact.codec, Sentences):
        return BERT
    if isinstance(family, Decoder) and isinstance(artifact.codec, Passages):
        return LLAMA if family.base else GPT2
    told = say("Only a decoder that goes on with texts and an encoder that answers with a vector are written for transformers.")
    raise Refused(told, say("Others are written as ONNX: modelwright export ARTIFACT --to onnx -o DIR"))


def theirs(artifact: Artifact, shape: Shape) -> Tensors:
    """Every weight under their names; a decoder's stand beside its head."""
    prefix = shape.prefix if isinstance(artifact.family, Decoder) else ""
    ours: dict[str, Tensor] = {name: weight.detach().cpu().float() for name, weight in artifact.module.state_dict().items()}
    found = shape.unfolded(given(places(shape.table, ours), ours))
    return {(name if name == HEAD else f"{prefix}{name}"): weight for name, weight in found.items()}


def proved(artifact: Artifact, folder: Path) -> float:
    """The largest difference between transformers' outputs and ours, divided by the largest of ours; on drawn tokens.

    Unkept: it is more than ALLOWED, or texts become other tokens."""
    import torch
    import transformers  # pyright: ignore[reportMissingImports]  asked for by find_spec

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    _refuse_other_tokens(artifact, folder, transformers.AutoTokenizer.from_pretrained(str(folder)))
    kind: Any = transformers.AutoModel if isinstance(artifact.family, Encoder) else transformers.AutoModelForCausalLM
    other = kind.from_pretrained(str(folder), dtype=torch.float32).eval()
    tokens, mask = _drawn(artifact)
    module: Any = artifact.module
    batch = {artifact.codec.reads[0].name: tokens, "mask": mask}
    with torch.no_grad():
        said = other(input_ids=tokens, attention_mask=mask.long())
        if isinstance(artifact.family, Encoder):
            ours, found = module.states(batch), said.last_hidden_state
        else:
            ours, found = module(batch)[artifact.codec.writes[0].name], said.logits
    apart = float((ours - found)[mask].abs().max() / ours[mask].abs().max())
    if not apart <= ALLOWED:
        facts = {"folder": folder, "apart": f"{apart:.1e}"}
        raise Unkept(say("{folder} is written, but transformers answers otherwise with it, by {apart}.", **facts))
    return apart


def _refuse_other_tokens(artifact: Artifact, folder: Path, theirs: Any) -> None:
    codec = artifact.codec
    assert isinstance(codec, (Passages, Sentences))
    for text, own in zip(spelling.TEXTS, spelling.tokens(codec.tokenizer, isinstance(codec, Sentences)), strict=True):
        if theirs(text)["input_ids"] != own:
            told = say("{folder} is written, but transformers reads {text} as other tokens.", folder=folder, text=repr(text))
            raise Unkept(told)


def _read(artifact: Artifact) -> Tokens:
    kind = artifact.codec.reads[0].kind
    assert isinstance(kind, Tokens)
    return kind


def _drawn(artifact: Artifact) -> tuple[Tensor, Tensor]:
    """Tokens (B, T) and the mask of those that are real."""
    import torch

    kind = _read(artifact)
    longest = min(max(STEPS), kind.longest)
    mask = torch.arange(longest) < torch.tensor(STEPS)[:, None]
    return torch.randint(0, kind.alphabet, mask.shape, generator=torch.Generator().manual_seed(0)), mask


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
