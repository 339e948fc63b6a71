"""A fitted tokenizer as transformers reads it: tokenizer.json with the very numbers of ours, and what its control tokens are
called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from modelwright.data.codecs.tokens.foreign import TEMPLATE, Adopted
from modelwright.data.codecs.tokens.tokenizing import END, FIRST, LIBRARY, PADDING, UNKNOWN, Characters, Tokenizing, parsed
from modelwright.nouns import Refused
from modelwright.wording import say

NAMES = {PADDING: "<|padding|>", UNKNOWN: "<|unknown|>", END: "<|endoftext|>"}
"""Of the control tokens of a tokenizer that was learned here, which itself knows none."""
MASKS = ("[MASK]", "<mask>")
TEXTS = ("Once, in 1984, a fish.", "  two  spaces\nand a line's end ", "吾王 é 🙂")
"""What must be the same tokens on both sides."""


Around = tuple[tuple[int, ...], tuple[int, ...]]
"""The numbers that stand before a text that is read, and after it."""


def files(tokenizer: Tokenizing, longest: int, around: Around, encoder: bool) -> dict[str, bytes]:
    """tokenizer.json and what stands beside it. Refused: what is written would give a text other tokens than ours."""
    told = tokenizer.told if isinstance(tokenizer, Adopted) else json.dumps(_learned(tokenizer, around), ensure_ascii=False)
    _refuse_other_tokens(tokenizer, told, around)
    template = {TEMPLATE: tokenizer.template.encode()} if isinstance(tokenizer, Adopted) and tokenizer.template else {}
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": longest, **_roles(tokenizer, told, encoder)}
    config = json.dumps(named, indent=1, ensure_ascii=False)
    return {LIBRARY: told.encode(), "tokenizer_config.json": config.encode(), **template}


def tokens(tokenizer: Tokenizing, around: Around) -> list[list[int]]:
    """Those of TEXTS as a model of ours reads them."""
    before, after = around
    return [[*before, *own.tolist(), *after] for own in tokenizer.numbers(pl.Series(TEXTS))]


def _refuse_other_tokens(tokenizer: Tokenizing, told: str, around: Around) -> None:
    library = parsed(told)
    library.no_truncation()
    library.no_padding()
    for text, own in zip(TEXTS, tokens(tokenizer, around), strict=True):
        if library.encode(text).ids != own:
            raise Refused(say("This tokenizer cannot be written: others would read {text} as other tokens.", text=repr(text)))


def _roles(tokenizer: Tokenizing, told: str, encoder: bool) -> dict[str, str]:
    """What transformers calls the control tokens."""
    controls, library = tokenizer.controls, parsed(told)
    numbers = {
        "bos_token": None if encoder or len(controls.begin) != 1 else controls.begin[0],
        "eos_token": None if encoder or not controls.stops else controls.stops[0],
        "cls_token": controls.begin[0] if encoder and controls.begin else None,
        "sep_token": controls.end[0] if encoder and controls.end else None,
        "pad_token": controls.padding,
        "unk_token": controls.unknown,
        "mask_token": next((number for mask in MASKS if (number := library.token_to_id(mask)) is not None), None),
    }
    return {role: library.id_to_token(number) for role, number in numbers.items() if number is not None}


def _learned(tokenizer: Tokenizing, around: Around) -> dict[str, Any]:
    """Every number moved to where it stands with ours, the control tokens below; around each text what is put there here."""
    tree = _characters(tokenizer) if isinstance(tokenizer, Characters) else _moved(json.loads(tokenizer.files()[LIBRARY]))
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    tree["added_tokens"] = [{"id": number, "content": name, "special": True, **plain} for number, name in NAMES.items()]
    before, after = ([{"SpecialToken": {"id": NAMES[number], "type_id": 0}} for number in numbers] for numbers in around)
    one, other = ({"Sequence": {"id": letter, "type_id": 0}} for letter in "AB")
    tree["post_processor"] = {
        "type": "TemplateProcessing", "single": [*before, one, *after], "pair": [*before, one, *after, other, *after],
        "special_tokens": {
            NAMES[number]: {"id": NAMES[number], "ids": [number], "tokens": [NAMES[number]]}
            for number in dict.fromkeys((*around[0], *around[1]))
        },
    }  # fmt: skip
    return tree


def _moved(tree: dict[str, Any]) -> dict[str, Any]:
    model = tree["model"]
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, Mapping):
        raise Refused(say("A tokenizer of the kind {kind} is not written for transformers yet.", kind=model.get("type")))
    moved = {token: number + FIRST for token, number in vocabulary.items()}
    return {**tree, "model": {**model, "vocab": {**{name: number for number, name in NAMES.items()}, **moved}}}


def _characters(tokenizer: Characters) -> dict[str, Any]:
    """Every character a word, and none that joins them."""
    signs = {sign: number for number, sign in enumerate(tokenizer.vocabulary, FIRST)}
    vocabulary = {**{name: number for number, name in NAMES.items()}, **signs}
    split = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": split,
        "decoder": {"type": "Fuse"}, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": NAMES[UNKNOWN]},
    }  # fmt: skip
