"""What was written, held against the artifact: transformers loads the folder, reads texts as the same tokens, answers alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.pairs.paired import Paired
from modelwright.data.codecs.sentences.vectors import Sentences
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.exchange.huggingface import spelling
from modelwright.exchange.huggingface.spelling import Around
from modelwright.nouns import Artifact, Batch, Codec, Tokens, Unkept
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

Texts: TypeAlias = Passages | Sentences | Paired | Subtexts | Tagging
ALLOWED = 1e-5
"""By which an output of transformers may differ, of what is largest among ours; float32."""
STEPS = (7, 3)
"""Tokens of the rows that are held against each other."""


def around(codec: Texts) -> Around:
    """What stands before and after a text that is read. A decoder goes on from there, so nothing stands behind."""
    controls = codec.tokenizer.controls
    match codec:
        case Passages() if codec.hiding is None:
            return controls.begin, ()
        case Sentences() | Subtexts() | Tagging() | Passages():
            return controls.begin, controls.end
        case Paired():
            return (), controls.end


def proved(artifact: Artifact, folder: Path) -> float:
    """The largest difference between transformers' outputs and ours, divided by the largest of ours; on drawn tokens.

    Unkept: it is more than ALLOWED, or texts become other tokens."""
    import torch
    import transformers  # pyright: ignore[reportMissingImports]  asked for by find_spec

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    _refuse_other_tokens(artifact, folder, transformers.AutoTokenizer.from_pretrained(str(folder)))
    with torch.no_grad():
        ours, found = _said(artifact, folder, transformers)
    apart = float((ours - found).abs().max() / ours.abs().max())
    if not apart <= ALLOWED:
        facts = {"folder": folder, "apart": f"{apart:.1e}"}
        raise Unkept(say("{folder} is written, but transformers answers otherwise with it, by {apart}.", **facts))
    return apart


def _said(artifact: Artifact, folder: Path, transformers: Any) -> tuple[Tensor, Tensor]:
    """Ours and theirs on the real steps of drawn tokens."""
    import torch

    module: Any = artifact.module
    batch: Batch = {}
    given: dict[str, Any] = {}
    mask = torch.ones(0, dtype=torch.bool)
    names = ("input_ids", "decoder_input_ids")
    for place, (port, name) in enumerate(zip(artifact.codec.reads, names)):
        assert isinstance(port.kind, Tokens)
        tokens, mask = _drawn(port.kind, place)
        batch |= {port.name: tokens, "mask" if place == 0 else f"{port.name}_mask": mask}
        given |= {name: tokens, name.replace("input_ids", "attention_mask"): mask.long()}
    codec = artifact.codec
    kind = getattr(transformers, f"AutoModel{_task(codec)}")
    other = kind.from_pretrained(str(folder), dtype=torch.float32).eval()(**given)
    if isinstance(codec, Sentences):
        return module.states(batch)[mask], other.last_hidden_state[mask]
    ours = module({**batch, "bears": mask})[codec.writes[0].name]
    if isinstance(codec, Subtexts):
        return ours, other.logits
    return ours if ours.ndim == other.logits.ndim - 1 else ours[mask], other.logits[mask]


def _task(codec: Codec) -> str:
    """How the name of the class of theirs ends that answers so."""
    match codec:
        case Paired():
            return "ForSeq2SeqLM"
        case Sentences():
            return ""
        case Subtexts():
            return "ForSequenceClassification"
        case Tagging():
            return "ForTokenClassification"
        case Passages() if codec.hiding is not None:
            return "ForMaskedLM"
        case _:
            return "ForCausalLM"


def _refuse_other_tokens(artifact: Artifact, folder: Path, theirs: Any) -> None:
    codec = artifact.codec
    assert isinstance(codec, (Passages, Sentences, Paired, Subtexts, Tagging))
    for text, own in zip(spelling.TEXTS, spelling.tokens(codec.tokenizer, around(codec)), strict=True):
        if theirs(text)["input_ids"] != own:
            told = say("{folder} is written, but transformers reads {text} as other tokens.", folder=folder, text=repr(text))
            raise Unkept(told)


def _drawn(kind: Tokens, seed: int) -> tuple[Tensor, Tensor]:
    """Tokens (B, T) and the mask of those that are real."""
    import torch

    longest = min(max(STEPS), kind.longest)
    mask = torch.arange(longest) < torch.tensor(STEPS)[:, None]
    return torch.randint(0, kind.alphabet, mask.shape, generator=torch.Generator().manual_seed(seed)), mask
