"""The tokenizer in a GGUF file as one of the library `tokenizers`: byte pairs, cut into words first as its makers did.

How text is cut into words is only named in the file (tokenizer.ggml.pre); the expressions stand in llama.cpp's source
(src/llama-vocab.cpp), and here for the names that are read.
"""

from __future__ import annotations

import json
from typing import Any

from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.tokenizing import Controls, parsed
from modelwright.exchange.gguf.opening import Opened
from modelwright.nouns import Refused
from modelwright.wording import say

HERE = "tokenizer.ggml."
CONTROL, OWN, UNUSED = 3, 4, 5
"""Kinds of tokens: control tokens, words added by its makers, numbers without use."""
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d"
LLAMA3 = rf"(?i:{WORDS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
GPT2 = {**BYTES, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}


def _split(expression: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}


CUTS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [GPT2], "smollm": [DIGITS, GPT2], "starcoder": [DIGITS, GPT2],
    "llama-bpe": [_split(LLAMA3), BYTES], "qwen2": [_split(QWEN2), BYTES],
}  # fmt: skip
"""By tokenizer.ggml.pre."""
WHOLE = frozenset({"llama-bpe"})
"""A word that is a token itself is never cut."""
COMPOSED = frozenset({"qwen2"})
"""Text is brought to NFC first."""
ENDS = frozenset({"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "</s>", "<end_of_turn>"})
"""Control tokens that end an answer, whether or not the file says so."""


def tokenizer(told: Opened) -> Adopted:
    """Refused: another kind of tokenizer, another way to cut words, lists that are missing or do not fit each other."""
    _refuse_other(told)
    tokens, merges, kinds = (_list(told, name) for name in ("tokens", "merges", "token_type"))
    if len(kinds) != len(tokens) or len(set(map(str, tokens))) != len(tokens):
        raise Refused(say("{file}: its tokens are not told apart: each needs a text and a kind of its own.", file=told.file))
    tree = json.dumps(_tree(told.fact(f"{HERE}pre"), tokens, merges, kinds), ensure_ascii=False)
    try:
        parsed(tree)
    except ValueError as error:
        raise Refused(say("{file} describes no tokenizer ({problem}).", file=told.file, problem=error)) from error
    template = told.fact("tokenizer.chat_template")
    return Adopted(tree, _controls(told, tokens, kinds), len(tokens), template if isinstance(template, str) else "")


def _refuse_other(told: Opened) -> None:
    kind, cut = told.fact(f"{HERE}model"), told.fact(f"{HERE}pre")
    if kind != "gpt2":
        raise Refused(say("{file}: {name} = {found} is not known here; {known} is.", file=told.file, name=f"{HERE}model",
                          found=kind, known="gpt2"))  # fmt: skip
    if not isinstance(cut, str) or cut not in CUTS:
        raise Refused(say("{file}: {name} = {found} is not known here; {known} are.", file=told.file, name=f"{HERE}pre",
                          found=cut, known=", ".join(CUTS)))  # fmt: skip


def _list(told: Opened, name: str) -> list[Any]:
    found = told.fact(HERE + name)
    if not isinstance(found, list) or not found:
        raise Refused(say("{file} does not say {name}.", file=told.file, name=HERE + name))
    return found


def _tree(cut: str, tokens: list[str], merges: list[str], kinds: list[int]) -> dict[str, Any]:
    """A tokenizer.json."""
    added = [
        {"id": number, "content": token, "special": kind == CONTROL, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False}
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind in (CONTROL, OWN)
    ]  # fmt: skip
    steps = CUTS[cut]
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": cut in WHOLE,
        "vocab": {token: number for number, token in enumerate(tokens)},
        "merges": [str(merge).split(" ", 1) for merge in merges],
    }  # fmt: skip
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"} if cut in COMPOSED else None,
        "pre_tokenizer": steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps},
        "post_processor": None, "decoder": {**BYTES, "use_regex": True}, "model": model,
    }  # fmt: skip


def _controls(told: Opened, tokens: list[str], kinds: list[int]) -> Controls:
    """What begins and ends a text, as the file says."""

    def number(role: str) -> tuple[int, ...]:
        found = told.fact(f"{HERE}{role}_token_id")
        return (found,) if type(found) is int and 0 <= found < len(tokens) else ()

    begin = number("bos") if told.fact(f"{HERE}add_bos_token") else ()
    end = number("eos")
    named = tuple(
        place for place, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind == CONTROL and token in ENDS
    )
    stops = tuple(dict.fromkeys((*end, *number("eot"), *number("eom"), *named)))
    padding = [one for one in number("padding") if one not in (*begin, *stops)]
    unused = tuple(place for place, kind in enumerate(kinds) if kind == UNUSED)
    return Controls(begin=begin, end=end or stops[:1], stops=stops, never=unused, padding=padding[0] if padding else None)
