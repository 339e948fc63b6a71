"""SentencePiece's byte pairs as a GGUF file keeps them: pieces and their scores, no merges (tokenizer.ggml.model = llama).

llama.cpp puts together, again and again, the two neighbours whose whole is the piece of the best score, and spells what is no
piece by its bytes (src/llama-vocab.cpp, llm_tokenizer_spm). The same are merges in the order of scores, as long as no two
scores are the same; then the leftmost goes first there, which no list of merges can say.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from modelwright.nouns import Refused
from modelwright.wording import say

PLAIN, UNKNOWN = 1, 2
"""Kinds of tokens: a piece of text, the one for what is none."""
SPACE = "▁"


def tree(file: Path, tokens: list[str], scores: list[float], kinds: list[int], before: bool) -> dict[str, Any]:
    """What a tokenizer.json says of it; before: whether a space is put before a text. Refused: scores that tell no order."""
    if len(scores) != len(tokens):
        raise Refused(say("{file}: its tokens and their scores are not as many.", file=file))
    unknown = next((token for token, kind in zip(tokens, kinds, strict=True) if kind == UNKNOWN), None)
    replaced = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    steps = [{"type": "Prepend", "prepend": SPACE}, replaced] if before else [replaced]
    spelled: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}
    ]  # fmt: skip
    first = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if before else []
    model = {
        "type": "BPE", "dropout": None, "unk_token": unknown, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
        "vocab": {token: number for number, token in enumerate(tokens)}, "merges": _merges(file, tokens, scores, kinds),
    }  # fmt: skip
    return {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "decoder": {"type": "Sequence", "decoders": [*spelled, *first]}, "model": model,
    }  # fmt: skip


def _merges(file: Path, tokens: list[str], scores: list[float], kinds: list[int]) -> list[tuple[str, str]]:
    """Every two pieces whose whole is a piece, the best first."""
    plain = {token: score for token, score, kind in zip(tokens, scores, kinds, strict=True) if kind == PLAIN}
    whole = {
        token: [(token[:cut], token[cut:]) for cut in range(1, len(token)) if token[:cut] in plain and token[cut:] in plain]
        for token in plain
    }
    order = sorted((token for token, halves in whole.items() if halves), key=lambda token: -plain[token])
    for one, other in pairwise(order):
        if plain[one] == plain[other]:
            facts = {"one": repr(one), "other": repr(other)}
            raise Refused(say("{file}: the pieces {one} and {other} have the same score: none goes first.", file=file, **facts))
    return [halves for token in order for halves in whole[token]]
