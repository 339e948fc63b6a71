"""For each key of the recipe: where to start, what to change, and the observable that the change must move."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from dead_keys.observing import Observable


@dataclass(frozen=True)
class Change:
    """`after` is set on top of `base` and `before`, and what is seen must not stay as it was."""

    seen: Observable
    base: str
    after: tuple[str, ...]
    before: tuple[str, ...] = ()


def change(seen: Observable, base: str, *after: str, before: tuple[str, ...] = ()) -> Change:
    return Change(seen, base, after, before)


def stretched(word: str, values: dict[str, float], key: str, other: float) -> Change:
    start, after = (
        f'model.scaling={{kind = "{word}", {", ".join(f"{name} = {value}" for name, value in told.items())}}}'
        for told in (values, {**values, key: other})
    )
    return change("step", "decoder", after, before=(start,))


LORA = ("model.lora={}",)
HEADS = ('model.train=["heads"]', "training.epochs=3")
LATER = '{after = 1, train = ["hidden"]}'


def unfreezing(other: str) -> Change:
    return change("step", "begun", f"model.unfreeze=[{other}]", before=(*HEADS, f"model.unfreeze=[{LATER}]"))


def sgd(more: str) -> str:
    return f'training.optimizer={{kind = "sgd", rate = 0.1, {more}}}'


def adam(word: str, more: str) -> Change:
    start = f'training.optimizer={{kind = "{word}"}}'
    return change("step", "csv", f'training.optimizer={{kind = "{word}", {more}}}', before=(start,))


def muon(more: str) -> Change:
    """On a network that has a matrix inside."""
    inside = ("model.kind=mlp", "training.optimizer.kind=muon")
    return change("step", "csv", f'training.optimizer={{kind = "muon", {more}}}', before=inside)


def schedule(start: str, other: str) -> Change:
    return change("step", "csv", f"training.schedule={other}", before=(f"training.schedule={start}",))


def metric(word: str) -> Change:
    start = f'evaluation.metrics=[{{kind = "{word}", average = "macro"}}]'
    return change("answer", "csv", f'evaluation.metrics=[{{kind = "{word}", average = "micro"}}]', before=(start,))


def folding(key: str, start: str, other: str) -> Change:
    first, second = (f'codec.tokenizer={{kind = "word_piece", folding = {{{key} = {value}}}}}' for value in (start, other))
    return change("batch", "folded", second, before=(first,))


def hidden(more: str) -> Change:
    return change("batch", "hidden", f"codec.masking={{{more}}}")


def split(start: str, other: str, base: str = "csv") -> Change:
    return change("batch", base, f"data.split={other}", before=(f"data.split={start}",))


def new_split(base: str) -> Change:
    return split('{kind = "stratified", test = 0.3}', '{kind = "hashed", test = 0.3}', base)


def one_of(column: str, word: str, share: float = 1.0) -> str:
    return f'data.only={{column = "{column}", words = ["{word}"], share = {share}}}'


def augmentation(word: str, key: str) -> Change:
    start, other = (f'augmentation=[{{kind = "{word}", {key} = {pixels}}}]' for pixels in (1, 3))
    return change("batch", "pictures", other, before=(start,))


def veil(more: str) -> str:
    return f'augmentation=[{{kind = "veil", {more}}}]'


def recurrent(word: str) -> dict[str, Change]:
    return {
        "embedding": change("module", word, "model.embedding=5"),
        "width": change("module", word, "model.width=5"),
        "depth": change("module", word, "model.depth=2"),
        "both_ways": change("module", word, "model.both_ways=true"),
        "dropout": change("step", word, "model.dropout=0.5"),
    }


def texts(base: str) -> dict[str, Change]:
    return {
        "label": change("batch", base, "codec.label=topic"),
        "column": change("batch", base, "codec.column=title"),
        "vocabulary": change("batch", base, "codec.vocabulary=6"),
        "longest": change("batch", base, "codec.longest=3"),
        "output": change("module", base, "codec.output=sigmoid"),
    }


def compressed(start: str, other: str) -> Change:
    promise = 'promise={metric = "accuracy", loss = 0.9}'
    return change("compress", "bundled", f"compression=[{other}]", before=(f"compression=[{start}]", promise))


def promised(seen: Observable, other: str) -> Change:
    start = 'compression=[{kind = "int8"}]', 'promise={metric = "accuracy", loss = 0.9}'
    return change(seen, "bundled", f"promise={other}", before=start)


PRUNED = '{kind = "prune", epochs = 0}'
TAUGHT = '{kind = "distill", student = {kind = "mlp", widths = [2]}, epochs = 1}'
KEY_FILE = '{kind = "key_file", path = "seal.key"}'
PRINTS = f'["{Path(sys.executable).as_posix()}", "-c", "print(bytes(range(32)).hex())"]'
KEY_COMMAND = f'{{kind = "key_command", command = {PRINTS}}}'
ABSENT = "mps" if torch.cuda.is_available() else "cuda"
"""A device that is not here: no machine has both."""
JITTERY = ("training.epochs=12", "training.optimizer.rate=3.0", "training.stopping={patience = 1}")
"""Training that does not get better with every epoch."""

SCORED = ("codec.score=score", "codec.alike=2")
NDCG = 'evaluation.metrics=[{kind = "ndcg", most = 3}]'
RECALL = NDCG.replace("ndcg", "recall_at")
BLEU = 'evaluation.metrics=[{kind = "bleu", words = "char"}]'
ROUGE = 'evaluation.metrics=[{kind = "rouge", runs = "l"}]'
FOREIGN = 'codec.tokenizer={kind = "foreign", path = "letters.json"}'
UNIGRAM = 'codec.tokenizer={kind = "unigram", vocabulary = 300}'
FOLDED = 'codec.tokenizer={kind = "unigram", vocabulary = 300, folding = {form = "nfc"}}'
BPE = 'codec.tokenizer={kind = "bpe", vocabulary = 300}'

TABLE: dict[str, dict[str, Change]] = {
    "": {
        "format": change("recipe", "csv", "format=2"),
        "seed": change("module", "csv", "seed=1"),
        "machine": change("step", "csv", "machine.threads=2"),
        "data": change("batch", "csv", 'data={kind = "parquet", path = "others.parquet"}'),
        "check": change("batch", "twins", "check={accept = []}"),
        "codec": change("batch", "words", 'codec={kind = "characters", label = "y"}'),
        "model": change("module", "csv", 'model={kind = "linear"}'),
        "objective": change("recipe", "csv", "objective.kind=squared_error", before=("objective.kind=cross_entropy",)),
        "penalty": change("step", "csv", 'penalty=[{kind = "l2", weight = 0.1}]'),
        "augmentation": change("batch", "pictures", 'augmentation=[{kind = "flip"}]'),
        "training": change("step", "csv", "training.epochs=3"),
        "evaluation": change("answer", "csv", "evaluation.baselines=true"),
        "explanation": change("explain", "csv", "explanation={mistakes = 0}"),
        "protection": change("file", "words", "protection={sign = false}"),
        "compression": compressed(PRUNED, '{kind = "int8"}'),
        "promise": promised("compress", '{metric = "accuracy", loss = 0.0001}'),
        "report": change("file", "words", "report={rows = false}"),
    },
    "machine.section.Machine": {
        "device": change("step", "csv", f"machine.device={ABSENT}"),
        "threads": change("step", "csv", "machine.threads=2"),
        "precision": change("step", "csv", "machine.precision=medium"),
        "dtype": change("step", "csv", "machine.dtype=bfloat16"),
        "compiled": change("step", "csv", "machine.compiled=true"),
        "recompute": change("step", "decoder", "machine.recompute=true"),
        "mapped": change("batch", "documents", "machine.mapped=true"),
    },
    "data.sources.csv.CSV": {
        "path": change("batch", "csv", "data.path=others.csv"),
        "test": change("batch", "twins", "data.test=held_out.csv"),
        "separator": change("batch", "csv", "data.separator=,", before=("data.path=rows.semicolon.csv", "data.separator=;")),
        "skip": change("batch", "csv", "data.skip=3"),
        "encoding": change("batch", "csv", "data.encoding=latin-1", before=("data.path=chinese.csv",)),
        "only": change("batch", "csv", 'data.only={column = "c", words = ["red", "blue"]}'),
        "split": new_split("csv"),
    },
    "data.sources.json.JSON": {
        "path": change("batch", "json", "data.path=others_json"),
        "files": change("batch", "json", 'data.files=["first.json"]'),
        "lines": change("batch", "json", 'data.lines=["tags"]'),
        "encoding": change("batch", "json", "data.encoding=latin-1", before=("data.path=chinese.json",)),
        "only": change("batch", "json", 'data.only={column = "c", words = ["red", "blue"]}'),
        "split": new_split("json"),
    },
    "data.sources.jsonl.JSONL": {
        "path": change("batch", "jsonl", "data.path=others.jsonl"),
        "encoding": change("batch", "jsonl", "data.encoding=latin-1", before=("data.path=chinese.jsonl",)),
        "only": change("batch", "jsonl", 'data.only={column = "c", words = ["red", "blue"]}'),
        "split": new_split("jsonl"),
    },
    "data.sources.parquet.Parquet": {
        "path": change("batch", "parquet", "data.path=others.parquet"),
        "only": change("batch", "parquet", 'data.only={column = "c", words = ["red", "blue"]}'),
        "split": new_split("parquet"),
    },
    "data.sources.text.Text": {
        "path": change("batch", "text", "data.path=other_texts"),
        "encoding": change("batch", "text", "data.encoding=latin-1"),
        "documents": change("batch", "documents", 'data.documents=["*[0-8].txt"]'),
        "split": new_split("text"),
    },
    "data.sources.conll.Conll": {
        "path": change("batch", "conll", "data.path=other_names.conll"),
        "test": change("batch", "conll", "data.test=other_names.conll"),
        "word": change("batch", "conll", "data.word=1"),
        "tag": change("batch", "conll", "data.tag=1"),
        "encoding": change("batch", "conll", "data.encoding=big5"),
        "split": change("batch", "conll", "data.split.kind=hashed"),
    },
    "data.sources.gettext.Gettext": {
        "path": change("batch", "gettext", "data.path=other_catalogues"),
        "split": new_split("gettext"),
    },
    "data.sources.pictures.Pictures": {
        "path": change("batch", "folder", "data.path=other_pictures"),
        "split": new_split("folder"),
    },
    "data.sources.sounds.Sounds": {
        "path": change("batch", "sounds", "data.path=other_sounds"),
        "split": new_split("sounds"),
    },
    "data.sources.idx.IDX": {
        "path": change("batch", "idx", "data.path=other_pictures_idx"),
        "split": new_split("idx"),
    },
    "data.sources.cifar10.CIFAR10": {
        "path": change("batch", "cifar10", "data.path=other_pictures_cifar10"),
        "split": new_split("cifar10"),
    },
    "data.sources.arrays.Arrays": {
        "path": change("batch", "arrays", "data.path=others.npz"),
        "split": new_split("arrays"),
    },
    "data.sources.bundled.Bundled": {
        "name": change("batch", "bundled", "data.name=wine"),
        "split": new_split("bundled"),
    },
    "data.sources.in_python.InPython": {"split": new_split("in_python")},
    "data.sources.only.Only": {
        "column": change("batch", "csv", one_of("part", "train"), before=(one_of("fold", "train"),)),
        "words": change("batch", "csv", one_of("c", "red"), before=(one_of("c", "blue"),)),
        "share": change("batch", "csv", one_of("c", "red", 0.5), before=(one_of("c", "red"),)),
    },
    "data.splits.Stratified": {
        "validation": split('{kind = "stratified"}', '{kind = "stratified", validation = 0.3}'),
        "test": split('{kind = "stratified"}', '{kind = "stratified", test = 0.3}'),
    },
    "data.splits.Hashed": {
        "validation": split('{kind = "hashed"}', '{kind = "hashed", validation = 0.4}'),
        "test": split('{kind = "hashed"}', '{kind = "hashed", test = 0.4}'),
    },
    "data.splits.Given": {
        "column": split('{kind = "given"}', '{kind = "given", column = "fold"}'),
        "validation": split('{kind = "given", column = "half"}', '{kind = "given", column = "half", validation = 0.3}'),
    },
    "data.findings.Check": {
        "accept": change("batch", "twins", "check.accept=[]"),
        "near": change("batch", "documents", "check.near=1.0", before=("check.twins=drop", "check.near=0.1")),
        "twins": change("batch", "documents", "check.twins=drop", before=("check.near=0.1",)),
    },
    "data.codecs.columns.Columns": {
        "label": change("batch", "csv", "codec.label=c"),
        "target": change("batch", "number", "codec.target=class"),
        "output": change("module", "csv", "codec.output=sigmoid"),
        "missing": change("batch", "gaps", "codec.missing=median", before=("codec.missing=drop",)),
        "blanks": change("batch", "gaps", 'codec.blanks=[""]', before=("codec.missing=median",)),
        "decimal": change("batch", "commas", 'codec.decimal=","'),
        "ignore": change("batch", "csv", 'codec.ignore=["a"]'),
        "numbers": change("batch", "csv", 'codec.numbers=["code"]'),
        "categories": change("batch", "csv", 'codec.categories=["b"]'),
    },
    "data.codecs.pictures.Pictures": {
        "label": change("batch", "pictures", "codec.label=third"),
        "column": change("batch", "pictures", "codec.column=back"),
        "size": change("batch", "pictures", "codec.size=[4, 6]"),
        "output": change("module", "pictures", "codec.output=sigmoid"),
    },
    "data.codecs.sounds.LogMel": {
        "label": change("batch", "heard", "codec.label=third"),
        "column": change("batch", "heard", "codec.column=back"),
        "rate": change("batch", "heard", "codec.rate=4000"),
        "window": change("batch", "heard", "codec.window=0.02"),
        "hop": change("batch", "heard", "codec.hop=0.01"),
        "mels": change("batch", "heard", "codec.mels=9"),
        "longest": change("batch", "heard", "codec.longest=0.08"),
        "output": change("module", "heard", "codec.output=sigmoid"),
    },
    "data.codecs.words.Words": texts("words"),
    "data.codecs.words.Characters": texts("characters"),
    "data.codecs.documents.masking.Masking": {
        "share": hidden("share = 0.5"),
        "masked": hidden("masked = 0.2"),
        "exchanged": hidden("exchanged = 0.2"),
    },
    "objectives.masked_token.MaskedToken": {},
    "objectives.word_tag.WordTag": {},
    "objectives.contrastive.Contrastive": {
        "temperature": change("step", "alike", "objective={kind = \"contrastive\", temperature = 1.0}"),
    },
    "data.codecs.words.Texts": {
        "label": change("batch", "texts", "codec.label=topic"),
        "column": change("batch", "texts", "codec.column=title"),
        "longest": change("batch", "texts", "codec.longest=5"),
        "tokenizer": change("batch", "texts", "codec.tokenizer.kind=bpe", before=('codec.tokenizer={kind = "word_piece"}',)),
        "output": change("module", "texts", "codec.output=sigmoid"),
    },
    "data.codecs.tokens.subwords.WordPiece": {
        "vocabulary": change("batch", "texts", "codec.tokenizer.vocabulary=40"),
        "folding": folding("form", '"nfc"', '"nfkc"'),
    },
    "data.codecs.tokens.subwords.Unigram": {
        "vocabulary": change("batch", "texts", UNIGRAM.replace("300", "270"), before=(UNIGRAM,)),
        "folding": change("batch", "folded", FOLDED.replace("nfc", "nfkc"), before=(FOLDED,)),
    },
    "data.codecs.tokens.subwords.Folding": {
        "form": folding("form", '"nfc"', '"nfkc"'),
        "lowercase": folding("lowercase", "false", "true"),
        "accents": folding("accents", "false", "true"),
    },
    "data.codecs.documents.Documents": {
        "column": change("batch", "documents", "codec.column=file"),
        "longest": change("batch", "documents", "codec.longest=9"),
        "tokenizer": change("batch", "documents", "codec.tokenizer.kind=bpe"),
        "packing": change("batch", "documents", "codec.packing=false"),
        "masking": change("batch", "hidden", "codec.masking={share = 0.5}"),
    },
    "data.codecs.spans.Spans": {
        "column": change("batch", "spans", "codec.column=file"),
        "longest": change("batch", "spans", "codec.longest=9"),
        "tokenizer": change("batch", "spans", "codec.tokenizer.kind=bpe"),
        "share": change("batch", "spans", "codec.share=0.4"),
        "span": change("batch", "spans", "codec.span=1"),
    },
    "data.codecs.conversations.Conversations": {
        "column": change("batch", "talks", "codec.column=others"),
        "asked": change("batch", "asked", 'codec.asked="{y}?"'),
        "answered": change("batch", "asked", "codec.answered=So {y}."),
        "longest": change("batch", "talks", "codec.longest=38"),
        "tokenizer": change("batch", "talks", "codec.tokenizer.kind=bpe"),
        "packing": change("batch", "talks", "codec.packing=false"),
    },
    "data.codecs.sentences.Sentences": {
        "width": change("module", "alike", "codec.width=9"),
        "unit": change("answer", "alike", "codec.unit=false"),
        "tokenizer": change("batch", "alike", "codec.tokenizer.kind=character"),
        "column": change("batch", "alike", "codec.column=title"),
        "longest": change("batch", "alike", "codec.longest=9"),
        "places": change("module", "alike", "codec.places=40"),
        "positive": change("batch", "alike", "codec.positive=other"),
        "negative": change("batch", "alike", "codec.negative=other"),
        "score": change("batch", "alike", "codec.score=rank", before=SCORED),
        "alike": change("batch", "alike", "codec.alike=3", before=SCORED),
    },
    "data.codecs.tags.Tags": {
        "column": change("batch", "tags", "codec.column=others"),
        "label": change("batch", "tags", "codec.label=others", before=("codec.scheme=none",)),
        "scheme": change("batch", "tags", "codec.scheme=bioes"),
        "between": change("batch", "tags", 'codec.between="_"'),
        "longest": change("batch", "tags", "codec.longest=9"),
        "tokenizer": change("batch", "tags", "codec.tokenizer.kind=character"),
    },
    "data.codecs.pairs.Pairs": {
        "column": change("batch", "pairs", "codec.column=topic"),
        "label": change("batch", "pairs", "codec.label=topic"),
        "longest": change("batch", "pairs", "codec.longest=9"),
        "reply": change("batch", "pairs", "codec.reply=9"),
        "tokenizer": change("batch", "pairs", "codec.tokenizer.kind=bpe"),
        "replies": change("batch", "pairs", 'codec.replies={kind = "character", vocabulary = 9}'),
    },
    "data.codecs.documents.Character": {
        "vocabulary": change("batch", "documents", 'codec.tokenizer={kind = "character", vocabulary = 7}'),
    },
    "data.codecs.documents.BPE": {
        "vocabulary": change("batch", "documents", BPE.replace("300", "280"), before=(BPE,)),
    },
    "data.codecs.documents.Foreign": {
        "path": change("batch", "documents", FOREIGN.replace("letters", "words"), before=(FOREIGN,)),
    },
    "data.augmentation.Flip": {},
    "data.augmentation.Shift": {
        "pixels": augmentation("shift", "pixels"),
    },
    "data.augmentation.Crop": {
        "pad": augmentation("crop", "pad"),
    },
    "data.augmentation.Veil": {
        "steps": change("batch", "heard", veil("steps = 1"), before=(veil("steps = 6"),)),
        "features": change("batch", "heard", veil("features = 1"), before=(veil("features = 6"),)),
    },
    "models.base.Base": {
        "artifact": change("step", "begun", "model.artifact=begun_other"),
        "train": change("step", "begun", 'model.train=["heads"]'),
        "lora": change("step", "begun", "model.lora={}"),
        "unfreeze": change("step", "begun", f"model.unfreeze=[{LATER}]", before=HEADS),
    },
    "models.unfreeze.Unfreeze": {
        "after": unfreezing(LATER.replace("1", "2")),
        "train": unfreezing('{after = 1, train = ["hidden.0.bias"]}'),
    },
    "models.lora.Lora": {
        "rank": change("step", "begun", "model.lora.rank=2", before=LORA),
        "alpha": change("step", "begun", "model.lora.alpha=4", before=LORA),
        "layers": change("step", "begun", 'model.lora.layers=["0"]', before=LORA),
        "stored": change("step", "begun", "model.lora.stored=nf4", before=LORA),
    },
    "models.linear.Linear": {"embedding": change("module", "linear", "model.embedding=5")},
    "models.mlp.MLP": {
        "widths": change("module", "csv", "model.widths=[6, 6]"),
        "activation": change("module", "csv", "model.activation=tanh"),
        "dropout": change("step", "csv", "model.dropout=0.5"),
        "embedding": change("module", "words", "model.embedding=5"),
    },
    "models.cnn.CNN": {
        "stages": change("module", "pictures", "model.stages=[[3, 3]]"),
        "head": change("module", "pictures", "model.head=[4]"),
        "activation": change("module", "pictures", "model.activation=tanh"),
        "dropout": change("step", "pictures", "model.dropout=0.5"),
    },
    "models.recurrent.RNN": recurrent("rnn"),
    "models.recurrent.GRU": recurrent("gru"),
    "models.recurrent.LSTM": recurrent("lstm"),
    "models.encoder.Encoder": {
        "depth": change("module", "encoder", "model.depth=2"),
        "width": change("module", "encoder", "model.width=12"),
        "heads": change("step", "encoder", "model.heads=1"),
        "hidden": change("module", "encoder", "model.hidden=7"),
        "epsilon": change("step", "encoder", "model.epsilon=0.5"),
        "dropout": change("step", "encoder", "model.dropout=0.5"),
        "positions": change("module", "encoder", "model.positions=learned"),
        "norm": change("module", "encoder", "model.norm=rms"),
        "order": change("module", "encoder", "model.order=post"),
        "feed": change("module", "encoder", "model.feed=swiglu"),
        "answer": change("step", "encoder", "model.answer=first"),
        "pooler": change("module", "encoder", "model.pooler=tanh"),
    },
    "models.decoder.Decoder": {
        "depth": change("module", "decoder", "model.depth=2"),
        "width": change("module", "decoder", "model.width=12"),
        "heads": change("step", "decoder", "model.heads=1"),
        "groups": change("module", "decoder", "model.groups=1"),
        "hidden": change("module", "decoder", "model.hidden=7"),
        "base": change("module", "decoder", "model.base=0"),
        "norm": change("module", "decoder", "model.norm=layer"),
        "epsilon": change("step", "decoder", "model.epsilon=0.5"),
        "feed": change("module", "decoder", "model.feed=gelu"),
        "bias": change("module", "decoder", "model.bias=true"),
        "each": change("module", "decoder", "model.each=6"),
        "normed": change("module", "decoder", "model.normed=true"),
        "scaling": change("step", "decoder", 'model.scaling={kind = "linear", factor = 2.0}'),
        "tied": change("module", "documents", "model.tied=false"),
        "dropout": change("step", "decoder", "model.dropout=0.5"),
    },
    "models.rotary.Yarn": {
        key: stretched("yarn", {"factor": 8.0, "fast": 8.0, "slow": 0.2, "first": 1024, "loudness": 1.5}, key, other)
        for key, other in {"factor": 4.0, "fast": 0.5, "slow": 4.0, "first": 64, "loudness": 2.0}.items()
    },
    "models.rotary.Linear": {"factor": stretched("linear", {"factor": 2.0}, "factor", 3.0)},
    "models.rotary.Llama3": {
        key: stretched("llama3", {"factor": 8.0, "low": 1.0, "high": 4.0, "first": 8}, key, other)
        for key, other in {"factor": 4.0, "low": 0.5, "high": 3.0, "first": 9}.items()
    },
    "models.encoder_decoder.EncoderDecoder": {
        "depth": change("module", "pairs", "model.depth=2"),
        "writing": change("module", "pairs", "model.writing=2"),
        "width": change("module", "pairs", "model.width=12"),
        "heads": change("step", "pairs", "model.heads=1"),
        "head": change("module", "pairs", "model.head=6"),
        "hidden": change("module", "pairs", "model.hidden=7"),
        "positions": change("module", "pairs", "model.positions=rotary"),
        "buckets": change("module", "pairs", "model.buckets=4"),
        "far": change("module", "pairs", "model.far=20"),
        "norm": change("module", "pairs", "model.norm=layer"),
        "epsilon": change("module", "pairs", "model.epsilon=0.5"),
        "order": change("module", "pairs", "model.order=post"),
        "feed": change("module", "pairs", "model.feed=relu"),
        "bias": change("module", "pairs", "model.bias=true"),
        "scaled": change("module", "pairs", "model.scaled=false"),
        "tied": change("module", "pairs", "model.tied=false"),
        "balance": change("module", "pairs", "model.balance=writing"),
        "dropout": change("step", "pairs", "model.dropout=0.5"),
    },
    "objectives.next_token.NextToken": {
        "z_loss": change("step", "documents", "objective.z_loss=0.5", before=("objective.kind=next_token",)),
    },
    "objectives.cross_entropy.CrossEntropy": {
        "smoothing": change("step", "csv", "objective.smoothing=0.2", before=("objective.kind=cross_entropy",)),
    },
    "objectives.squared_error.SquaredError": {},
    "objectives.penalties.L1": {
        "weight": change("step", "csv", "penalty[0].weight=0.1", before=('penalty=[{kind = "l1"}]',)),
    },
    "objectives.penalties.L2": {
        "weight": change("step", "csv", "penalty[0].weight=0.1", before=('penalty=[{kind = "l2"}]',)),
    },
    "training.section.Training": {
        "epochs": change("step", "csv", "training.epochs=3"),
        "batch": change("batch", "csv", "training.batch=all"),
        "accumulate": change("step", "csv", "training.accumulate=2"),
        "optimizer": change("step", "csv", 'training.optimizer={kind = "adam", rate = 0.1}'),
        "schedule": change("step", "csv", "training.schedule.kind=cosine"),
        "clip": change("step", "csv", "training.clip=0.01"),
        "stopping": change("step", "csv", "training.stopping={patience = 50}", before=JITTERY),
        "snapshot_every": change("file", "csv", "training.snapshot_every=1000", before=("training.snapshot_every=0",)),
    },
    "training.section.Stopping": {
        "patience": change("step", "csv", "training.stopping.patience=50", before=JITTERY),
        "by": change("step", "csv", "training.stopping.by=loss", before=(*JITTERY, "training.stopping.by=score")),
    },
    "training.optimizers.SGD": {
        "rate": change("step", "csv", "training.optimizer.rate=0.2"),
        "momentum": change("step", "csv", "training.optimizer.momentum=0.5"),
        "nesterov": change("step", "csv", sgd("momentum = 0.5, nesterov = true"), before=(sgd("momentum = 0.5"),)),
        "decay": change("step", "csv", "training.optimizer.decay=0.1"),
    },
    "training.optimizers.Adam": {
        "rate": adam("adam", "rate = 0.1"),
        "beta1": adam("adam", "beta1 = 0.1"),
        "beta2": adam("adam", "beta2 = 0.1"),
        "epsilon": adam("adam", "epsilon = 0.1"),
        "decay": adam("adam", "decay = 0.1"),
    },
    "training.optimizers.AdamW": {
        "rate": adam("adamw", "rate = 0.1"),
        "beta1": adam("adamw", "beta1 = 0.1"),
        "beta2": adam("adamw", "beta2 = 0.1"),
        "epsilon": adam("adamw", "epsilon = 0.1"),
        "decay": adam("adamw", "decay = 0.5"),
    },
    "training.optimizers.Muon": {
        "rate": muon("rate = 0.3"),
        "momentum": muon("momentum = 0.5"),
        "decay": muon("decay = 0.5"),
        "rounds": muon("rounds = 1"),
        "rest": muon("rest = {rate = 0.1}"),
    },
    "training.schedules.Constant": {},
    "training.schedules.Cosine": {"warmup": schedule('{kind = "cosine"}', '{kind = "cosine", warmup = 0.5}')},
    "training.schedules.LinearDecay": {"warmup": schedule('{kind = "linear_decay"}', '{kind = "linear_decay", warmup = 0.5}')},
    "training.schedules.WarmupStableDecay": {
        "warmup": schedule('{kind = "warmup_stable_decay"}', '{kind = "warmup_stable_decay", warmup = 0.5}'),
        "decay": schedule('{kind = "warmup_stable_decay"}', '{kind = "warmup_stable_decay", decay = 0.9}'),
    },
    "training.schedules.Steps": {
        "parts": schedule('{kind = "steps"}', '{kind = "steps", parts = 2}'),
        "by": schedule('{kind = "steps"}', '{kind = "steps", by = 0.5}'),
    },
    "evaluation.section.Evaluation": {
        "metrics": change("answer", "csv", 'evaluation.metrics=[{kind = "recall"}]'),
        "baselines": change("answer", "csv", "evaluation.baselines=true"),
        "batch": change("answer", "csv", "evaluation.batch=3"),
        "elsewhere": change("elsewhere", "going_on", "evaluation.elsewhere=texts.csv", before=('check.accept=["near_leak"]',)),
    },
    "evaluation.metrics.Accuracy": {},
    "evaluation.metrics.LogLoss": {},
    "evaluation.metrics.MAE": {},
    "evaluation.foretold.BitsPerByte": {},
    "evaluation.foretold.Perplexity": {},
    "evaluation.foretold.TokenAccuracy": {},
    "evaluation.retrieval.NDCG": {"most": change("answer", "alike", NDCG.replace("3", "9"), before=(NDCG,))},
    "evaluation.retrieval.RecallAt": {"most": change("answer", "alike", RECALL.replace("3", "9"), before=(RECALL,))},
    "evaluation.retrieval.Spearman": {},
    "evaluation.entities.F1OfEntities": {},
    "evaluation.entities.PrecisionOfEntities": {},
    "evaluation.entities.RecallOfEntities": {},
    "evaluation.entities.TagAccuracy": {},
    "evaluation.matching.BLEU": {
        "words": change("answer", "pairs", BLEU.replace("char", "13a"), before=(BLEU, "evaluation.baselines=true")),
    },
    "evaluation.matching.ChrF": {},
    "evaluation.matching.Rouge": {"runs": change("answer", "pairs", ROUGE.replace('l"', '1"'), before=(ROUGE,))},
    "evaluation.metrics.MSE": {},
    "evaluation.metrics.R2": {},
    "evaluation.metrics.F1": {"average": metric("f1")},
    "evaluation.metrics.Precision": {"average": metric("precision")},
    "evaluation.metrics.Recall": {"average": metric("recall")},
    "compression.section.Prune": {
        "keep": compressed(PRUNED, '{kind = "prune", epochs = 0, keep = 0.9}'),
        "epochs": compressed(PRUNED, '{kind = "prune", epochs = 1}'),
    },
    "compression.section.Int8": {},
    "compression.section.Distill": {
        "student": compressed(TAUGHT, TAUGHT.replace("[2]", "[3]")),
        "epochs": compressed(TAUGHT, TAUGHT.replace("epochs = 1", "epochs = 2")),
        "temperature": compressed(TAUGHT, TAUGHT.replace("epochs = 1", "epochs = 1, temperature = 5.0")),
        "teacher": compressed(TAUGHT, TAUGHT.replace("epochs = 1", 'epochs = 1, teacher = "nobody"')),
    },
    "compression.section.Promise": {
        "metric": promised("recipe", '{metric = "mae", loss = 0.9}'),
        "loss": promised("compress", '{metric = "accuracy", loss = 0.0001}'),
        "reach": promised("compress", '{metric = "accuracy", loss = 0.9, reach = 0.99999}'),
    },
    "protection.section.Protection": {
        "sign": change("file", "words", "protection.sign=false"),
        "seal": change("file", "words", f"protection.seal={KEY_FILE}"),
    },
    "protection.seals.KeyFile": {
        "path": change("file", "words", "protection.seal.path=gone.key", before=(f"protection.seal={KEY_FILE}",)),
    },
    "protection.seals.KeyCommand": {
        "command": change("file", "words", "protection.seal.command=[]", before=(f"protection.seal={KEY_COMMAND}",)),
    },
    "explanation.section.Explanation": {
        "mistakes": change("explain", "csv", "explanation.mistakes=0"),
        "method": change("explain", "csv", 'explanation.method={kind = "occlusion"}'),
        "seconds": change("explain", "csv", "explanation.seconds=1e-9"),
    },
    "explanation.kinds.Shapley": {
        "pairs": change(
            "explain",
            "pictures",
            'explanation.method={kind = "shapley", pairs = 2}',
            before=('explanation.method={kind = "shapley", pairs = 1}',),
        ),
    },
    "explanation.kinds.Lime": {
        "samples": change(
            "explain",
            "csv",
            'explanation.method={kind = "lime", samples = 100}',
            before=('explanation.method={kind = "lime"}',),
        ),
    },
    "explanation.kinds.IntegratedGradients": {
        "steps": change(
            "explain",
            "csv",
            'explanation.method={kind = "integrated_gradients", steps = 2}',
            before=('explanation.method={kind = "integrated_gradients"}',),
        ),
    },
    "explanation.kinds.Occlusion": {},
    "recipe.Report": {
        "rows": change("file", "words", "report.rows=false"),
        "tensorboard": change("file", "words", "report.tensorboard=true"),
    },
}
