"""The tokenizer in a GGUF file as one of the library `tokenizers`: byte pairs, cut into words first as its makers did, or
SentencePiece's pieces (pieces.py).

How text is cut into words is only named in the file (tokenizer.ggml.pre); the expressions stand in llama.cpp's source
(src/llama-vocab.cpp), and here for the names that are read.
"""

from __future__ import annotations

import json
from typing import Any

from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.tokenizing import Controls, parsed
from modelwright.exchange.gguf import pieces
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
ROLES = {"unknown": 0, "bos": 1, "eos": 2}
WHOLE_TEXT: dict[str, Any] = {
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None
}  # fmt: skip
"""What a tokenizer.json says where nothing else is said."""
ENDS = frozenset({"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "</s>", "<end_of_turn>"})
"""Control tokens that end an answer, whether or not the file says so."""


def tokenizer(told: Opened) -> Adopted:
    """Refused: another kind of tokenizer, another way to cut words, lists that are missing or do not fit each other."""
    pieced = _is_pieced(told)
    tokens, kinds = _list(told, "tokens"), _list(told, "token_type")
    if len(kinds) != len(tokens) or len(set(map(str, tokens))) != len(tokens):
        raise Refused(say("{file}: its tokens are not told apart: each needs a text and a kind of its own.", file=told.file))
    if pieced:
        tree = pieces.tree(told.file, tokens, _list(told, "scores"), kinds, told.fact(f"{HERE}add_space_prefix") is not False)
    else:
        tree = _tree(told.fact(f"{HERE}pre"), tokens, _list(told, "merges"), kinds)
    spelled = json.dumps({**WHOLE_TEXT, "added_tokens": _added(tokens, kinds), **tree}, ensure_ascii=False)
    try:
        parsed(spelled)
    except ValueError as error:
        raise Refused(say("{file} describes no tokenizer ({problem}).", file=told.file, problem=error)) from error
    template = told.fact("tokenizer.chat_template")
    controls = _controls(told, tokens, kinds, pieced)
    return Adopted(spelled, controls, len(tokens), template if isinstance(template, str) else "")


def _is_pieced(told: Opened) -> bool:
    """Whether it is of pieces with scores, and not of byte pairs."""
    kind, cut = told.fact(f"{HERE}model"), told.fact(f"{HERE}pre")
    if kind not in ("gpt2", "llama"):
        raise Refused(say("{file}: {name} = {found} is not known here; {known} are.", file=told.file, name=f"{HERE}model",
                          found=kind, known="gpt2, llama"))  # fmt: skip
    if kind == "gpt2" and (not isinstance(cut, str) or cut not in CUTS):
        raise Refused(say("{file}: {name} = {found} is not known here; {known} are.", file=told.file, name=f"{HERE}pre",
                          found=cut, known=", ".join(CUTS)))  # fmt: skip
    return kind == "llama"


def _list(told: Opened, name: str) -> list[Any]:
    found = told.fact(HERE + name)
    if not isinstance(found, list) or not found:
        raise Refused(say("{file} does not say {name}.", file=told.file, name=HERE + name))
    return found


def _added(tokens: list[str], kinds: list[int]) -> list[dict[str, Any]]:
    """Those that are found in a text before anything else."""
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return [
        {"id": number, "content": token, "special": kind == CONTROL, **plain}
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind in (CONTROL, OWN)
    ]  # fmt: skip


def _tree(cut: str, tokens: list[str], merges: list[str], kinds: list[int]) -> dict[str, Any]:
    """What a tokenizer.json says of byte pairs."""
    steps = CUTS[cut]
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": cut in WHOLE,
        "vocab": {token: number for number, token in enumerate(tokens)},
        "merges": [str(merge).split(" ", 1) for merge in merges],
    }  # fmt: skip
    return {
        "normalizer": {"type": "NFC"} if cut in COMPOSED else None,
        "pre_tokenizer": steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps},
        "decoder": {**BYTES, "use_regex": True}, "model": model,
    }  # fmt: skip


def _controls(told: Opened, tokens: list[str], kinds: list[int], pieced: bool) -> Controls:
    """What begins and ends a text, as the file says; of pieces, where it says nothing, as llama.cpp takes it."""

    def number(role: str) -> tuple[int, ...]:
        found = told.fact(f"{HERE}{role}_token_id")
        found = ROLES.get(role) if found is None and pieced else found
        return (found,) if type(found) is int and 0 <= found < len(tokens) else ()

    begins = told.fact(f"{HERE}add_bos_token")
    begin = number("bos") if begins or (begins is None and pieced) else ()
    end = number("eos")
    named = tuple(
        place for place, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind == CONTROL and token in ENDS
    )
    stops = tuple(dict.fromkeys((*end, *number("eot"), *number("eom"), *named)))
    padding = [one for one in number("padding") if one not in (*begin, *stops)]
    unused = tuple(place for place, kind in enumerate(kinds) if kind == UNUSED)
    unknown = number("unknown") if pieced else ()
    return Controls(
        begin=begin, end=end or stops[:1], stops=stops, never=unused, padding=padding[0] if padding else None,
        unknown=unknown[0] if unknown else None,
    )  # fmt: skip
