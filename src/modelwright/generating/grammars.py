"""Answers of a form: a JSON schema or a regular expression says which tokens may follow. A alphabet.

The library llguidance reads schema and pattern, and tells after each token which ones keep to them. It is handed the bytes of
every token and nothing else of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

    from modelwright.data.codecs.documents.passages import Passages
    from modelwright.data.codecs.pairs.paired import Paired
    from modelwright.generating.keeping import Keeping

STRICT = {"lenient": False, "whitespace_flexible": False}
"""A keyword that the library does not know is refused, not passed over; no model gets lost in spaces."""


@dataclass
class Grammar:
    """One answer's way through a form; never looked at again once it is whole and nothing may follow."""

    matcher: Any
    alphabet: int
    stops: tuple[int, ...]

    @property
    def whole(self) -> bool:
        return not self.matcher.is_error() and (self.matcher.is_accepting() or self.matcher.is_stopped())

    def allowed(self) -> Tensor:
        """bool (A,): what may follow; what ends a text where the form is whole."""
        import numpy as np
        import torch

        bits = np.frombuffer(self.matcher.compute_bitmask(), np.uint8)
        found = np.unpackbits(bits, bitorder="little")[: self.alphabet].astype(bool)
        found[list(self.stops)] = self.whole
        if not found.any() or self.matcher.stop_reason().startswith("NoExtension"):
            raise _unspellable()
        if self.matcher.is_error():
            problem = self.matcher.get_error().splitlines()[0]
            raise Refused(say("The form of the answer grew too complex: {problem}", problem=problem))
        return torch.from_numpy(found)

    def told(self, token: int) -> bool:
        if not self.matcher.consume_token(token):  # what must come first cannot be spelled: the library looks behind it
            raise _unspellable()
        return not self.matcher.is_stopped()

    def fork(self) -> Grammar:
        return Grammar(self.matcher.deep_copy(), self.alphabet, self.stops)


def _unspellable() -> Refused:
    told = say("No token of this model goes on with the form of the answer.")
    return Refused(told, say("A sign that the form needs is unknown to the model: it never stood in a training row."))


class Vocabulary:
    """Our tokens, as the library asks for them."""

    def __init__(self, codec: Passages | Paired) -> None:
        self.tokenizer, pieces = codec.said, codec.said.pieces
        self.tokens = [*pieces, b""]
        self.eos_token_id, self.bos_token_id = len(pieces), None
        self.special_token_ids = [number for number, piece in enumerate(self.tokens) if not piece]
        self.is_tokenizer_wrapper = True

    def __call__(self, text: str) -> list[int]:
        """How a text that must follow is cut: as the model reads it; up to a sign that it does not know."""
        import polars as pl

        numbers = self.tokenizer.numbers(pl.Series([text], dtype=pl.String))[0].tolist()
        unknown = self.tokenizer.controls.unknown
        return numbers[: numbers.index(unknown)] if unknown in numbers else numbers


def grammar(codec: Passages | Paired, keeping: Keeping) -> Grammar:
    """Refused: the extra is not there, or what was ordered is no schema or no pattern that it can hold to."""
    library = _library()
    if keeping.schema is not None:
        told = library.LLMatcher.grammar_from_json_schema(json.dumps(keeping.schema), overrides=STRICT)
    else:
        told = library.LLMatcher.grammar_from_regex(keeping.pattern)
    tokens = library.LLTokenizer(Vocabulary(codec), slices=[])
    wrong, problems = library.LLMatcher.validate_grammar_with_warnings(told, tokens)
    if wrong or problems:
        first = problems[0].strip().splitlines()[0]
        if keeping.schema is not None:
            raise Refused(say("No answer can be held to this JSON schema: {problem}", problem=first))
        raise Refused(say("No answer can be held to this pattern: {problem}", problem=first))
    return Grammar(library.LLMatcher(tokens, told, log_level=0), len(codec.said.pieces), codec.controls.stops)


def _library() -> Any:
    try:
        import llguidance
    except ImportError:
        raise Refused(say('{name} is not installed: pip install "modelwright[language]"', name="llguidance")) from None
    return llguidance
