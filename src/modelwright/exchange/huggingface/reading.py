"""A folder of Hugging Face becomes an artifact. No code of theirs is run, no pickle is read, no tensor is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import models
from modelwright.data.codecs import Documents, Pairs
from modelwright.data.codecs.documents import Foreign
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.pairs.paired import Paired
from modelwright.data.codecs.sentences.vectors import Sentences as Vectors
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.tokens import foreign
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.exchange.huggingface import embedding, encoders
from modelwright.exchange.huggingface.bert import BERT, ROBERTA
from modelwright.exchange.huggingface.distilbert import DISTILBERT
from modelwright.exchange.huggingface.fields import Fields
from modelwright.exchange.huggingface.gpt2 import GPT2
from modelwright.exchange.huggingface.llama import LLAMA
from modelwright.exchange.huggingface.origins import origin
from modelwright.exchange.huggingface.shapes import Described, Shape, refuse_impossible, shapes_of
from modelwright.exchange.huggingface.t5 import T5
from modelwright.exchange.huggingface.weights import Weights, opened, refuse_not_finite, refuse_unlike, unfit
from modelwright.exchange.renaming import Tensors, given, places, taken
from modelwright.models import Decoder, Encoder, EncoderDecoder
from modelwright.nouns import Artifact, Codec, Refused
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from torch.nn import Module

SHAPES = (BERT, ROBERTA, DISTILBERT, GPT2, LLAMA, T5)
HEAD = "lm_head.weight"
SHALLOW = 256
"""For so many blocks room is made whatever lies in a file."""



def adopted(folder: Path) -> Artifact:
    """Refused, with what is wrong and where: files that are not there, a shape or a field that is not known, weights that do
    not fit, a tokenizer that does not fit them."""
    config = _config(folder)
    shape = _shape(config, folder)
    fields = Fields(config, folder / "config.json")
    described = shape.read(fields)
    fields.finish()
    refuse_impossible(described, fields.file)
    with ExitStack() as stack:
        weights = opened(folder, stack)
        _refuse_larger(shape, described, weights.under(shape.prefix))
        described, codec = _codec(folder, described, _stops(folder, config))
        module, left, numbers = filled(shape, described, codec, weights)
        whose = origin(folder, config, weights.digest())
    made = Artifact(family=described.family, codec=codec, module=module, origin=whose)
    count = sum(weight.numel() for weight in module.parameters())
    facts = {"model": whose.model, "shape": config["model_type"], "n": f"{count:,}", "numbers": numbers}
    made = made.told(say("adopted from {model}: the shape of {shape}, {n} weights, read as float32 from {numbers}", **facts))
    for note in (*described.notes, *_told(described, codec, left)):
        made = made.told(note)
    return made


def filled(shape: Shape, described: Described, codec: Codec, weights: Weights) -> tuple[Module, tuple[str, ...], str]:
    """The module with their weights, the names of those that are left out, and the kinds of numbers that they were."""
    import torch

    with torch.device("meta"):
        module = models.build(described.family, codec.reads, codec.writes, seed=0)
    wanted = module.state_dict()
    lies = places(shape.table, wanted)
    weights = weights.under(shape.prefix)
    needed = shapes_of(given(lies, wanted)) | dict(described.extra)
    left = refuse_unlike(weights, needed, (*shape.idle, *_tied(described, weights)))
    if described.head.kind == "hidden":
        _refuse_other_copies(shape, weights)
    theirs = {name: weights.read(name) for name in needed}
    refuse_not_finite(weights, theirs)
    theirs = shape.folded(theirs)
    ours: Tensors = {}
    for place in lies:
        ours |= {name: part.contiguous() for name, part in taken(place, theirs.pop(place.theirs), wanted).items()}
    module.load_state_dict(ours, assign=True)
    return module.eval(), left, ", ".join(sorted({weights.numbers(name) for name in needed}))


def _refuse_larger(shape: Shape, described: Described, weights: Weights) -> None:
    """Before any room is made for it. Refused: more blocks or tokens than there can be in the file."""
    family = described.family
    depth = family.depth + (int(family.writing) if isinstance(family, EncoderDecoder) and family.writing != "auto" else 0)
    if depth > max(SHALLOW, len(weights.lies)):
        facts = {"depth": f"{depth:,}", "n": f"{len(weights.lies):,}"}
        raise unfit(weights, [say("{depth} blocks cannot lie in {n} tensors", **facts)])
    table = next(line.theirs for line in shape.table if line.ours == ("steps.table",)) + ".weight"
    if table in weights.lies and (found := weights.shape(table)) and found[0] < described.alphabet:
        facts = {"name": table, "found": list(found), "needed": [described.alphabet, family.attending.width]}
        raise unfit(weights, [say("{name} has shape {found}, the model needs {needed}", **facts)])


def _tied(described: Described, weights: Weights) -> tuple[str, ...]:
    """A head that is the embedding once more may be left out. Refused: it is another one, though the config ties them."""
    family = described.family
    if not isinstance(family, (Decoder, EncoderDecoder)) or not family.tied or HEAD not in weights.lies:
        return ()
    embedding = next(name for name in ("embed_tokens.weight", "wte.weight", "shared.weight") if name in weights.lies)
    if not weights.read(HEAD).equal(weights.read(embedding)):
        raise unfit(weights, [say("{name} is not the embedding, though tie_word_embeddings says so", name=HEAD)])
    return (HEAD,)


def _refuse_other_copies(shape: Shape, weights: Weights) -> None:
    """Refused: what stands there once more is another one, though it is read as the same."""
    for name, original in shape.copies.items():
        if name in weights.lies and not weights.read(name).equal(weights.read(original)):
            raise unfit(weights, [say("{name} is not {original}, as which it is read", name=name, original=original)])


def _config(folder: Path) -> Mapping[str, Any]:
    file = folder / "config.json"
    if not folder.is_dir():
        raise Refused(say("{folder} is not a folder.", folder=folder))
    if not file.is_file():
        raise Refused(say("{folder} has no config.json: it is no model of Hugging Face.", folder=folder))
    told = embedding.object_of(file)
    if told.get("auto_map"):
        way_out = say("Adopt a model whose shape is known here: {shapes}.", shapes=_known())
        raise Refused(say("{file}: auto_map asks for code of its makers to be run, and none is.", file=file), way_out)
    if told.get("quantization_config"):
        raise Refused(say("{file}: quantization_config: weights in another form than plain numbers are not read.", file=file))
    return told


def _shape(config: Mapping[str, Any], folder: Path) -> Shape:
    word = config.get("model_type")
    for shape in SHAPES:
        if word in shape.types:
            return shape
    facts = {"file": folder / "config.json", "word": word, "shapes": _known()}
    raise Refused(say("{file}: model_type = {word} is not known here; {shapes} are.", **facts))


def _known() -> str:
    return ", ".join(word for shape in SHAPES for word in shape.types)


def _stops(folder: Path, config: Mapping[str, Any]) -> list[int]:
    """The numbers at which a text ends, as generation_config.json or config.json says."""
    file = folder / "generation_config.json"
    told = (embedding.object_of(file) if file.is_file() else {}).get("eos_token_id", config.get("eos_token_id"))
    return [number for number in (told if isinstance(told, list) else [told]) if type(number) is int and number >= 0]


def _codec(folder: Path, described: Described, stops: list[int]) -> tuple[Described, Codec]:
    """Texts gone on with by a decoder, or answered with a vector by an encoder; and the family as it pools."""
    tokenizer = Foreign(Path(foreign.LIBRARY))
    family = described.family
    if isinstance(family, Decoder):
        read = foreign.fitted(foreign.read(folder), described.alphabet, stops)
        return described, Passages(Documents(longest=described.longest, tokenizer=tokenizer), read, described.longest)
    if isinstance(family, EncoderDecoder):
        read = foreign.fitted(foreign.read(folder), described.alphabet, stops)
        read = replace(read, controls=replace(read.controls, start=described.start))
        return described, Paired(Pairs(longest=described.longest, reply=described.longest, tokenizer=tokenizer), read, read)
    return encoders.answering(folder, described)


def _told(described: Described, codec: Codec, left: tuple[str, ...]) -> list[str]:
    """What else a person should know of it."""
    told = encoders.told(described, codec) if isinstance(described.family, Encoder) else []
    assert isinstance(codec, (Passages, Paired, Vectors, Subtexts, Tagging))
    unused = len(codec.tokenizer.controls.never)
    if unused:
        more = say_many(
            "its embedding has {n} row more than its tokenizer has tokens: it is kept and never said",
            "its embedding has {n} rows more than its tokenizer has tokens: they are kept and never said",
            unused,
        )
        told.append(more)
    if left:
        told.append(say("left out, since no answer here needs them: {names}", names=", ".join(left)))
    return told
