"""WordPiece is learned: rows to a tokenizer.json that others read as it is.

The library counts in the order of a hash table, which is another at every call: pieces that go on with a word get their numbers
by it, and the numbers decide between pairs that are equally frequent. So they are numbered beforehand; then nothing wavers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.subwords import Folding, WordPiece
from modelwright.data.codecs.tokens.tokenizing import CODES, Controls, codes, library
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    import polars as pl

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Their numbers are their places."""
CONTROLS = Controls(begin=(2,), end=(3,), stops=(3,), never=(0, 1, 2, 4), padding=0, unknown=1, mask=4)
GOES_ON = "##"


def fit(kind: WordPiece, texts: Callable[[], Iterator[pl.Series]]) -> Adopted:
    """Of all these texts, none of them null. Refused: there is no character in them, or the library is not there."""
    first = _tokenizer(kind.folding, dict(zip(SPECIAL, range(len(SPECIAL)))))
    alphabet = _characters(first, texts, (kind.vocabulary - len(SPECIAL)) // 2)
    alone = _trained(first, texts, len(SPECIAL), alphabet, SPECIAL)
    inner = sorted(token for token in alone if token.startswith(GOES_ON) and len(token) == len(GOES_ON) + 1)
    found = _trained(first, texts, kind.vocabulary, alphabet, (*SPECIAL, *inner))
    return Adopted(_tokenizer(kind.folding, found).to_str(), CONTROLS, len(found))


def normalizer(folding: Folding) -> Any:
    """The library's own, in the order in which each step leaves what the others did."""
    make = library().normalizers
    steps = [{"as_is": [], "nfc": [make.NFC()], "nfkc": [make.NFKC()]}[folding.form]]
    steps += [[make.Lowercase()]] if folding.lowercase else []
    steps += [[] if folding.accents else [make.NFD(), make.StripAccents(), make.NFC()]]
    return make.Sequence([one for some in steps for one in some])


def _tokenizer(folding: Folding, vocabulary: dict[str, int]) -> Any:
    """BERT's, of these pieces."""
    made = library()
    tokenizer = made.Tokenizer(made.models.WordPiece(vocabulary, unk_token=SPECIAL[1]))
    words = made.normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )  # control characters go, and Chinese ones stand alone
    tokenizer.normalizer = made.normalizers.Sequence([normalizer(folding), words])
    tokenizer.pre_tokenizer = made.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = made.decoders.WordPiece(prefix=GOES_ON, cleanup=False)
    around = [(SPECIAL[number], number) for number in (*CONTROLS.begin, *CONTROLS.end)]
    tokenizer.post_processor = made.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def _characters(tokenizer: Any, texts: Callable[[], Iterator[pl.Series]], most: int) -> list[str]:
    """The most frequent of what is left of these texts: by count, then by code point."""
    counts = np.zeros(CODES, np.int64)
    for some in texts():
        for text in some:
            seen, times = np.unique(codes(tokenizer.normalizer.normalize_str(text)), return_counts=True)
            counts[seen] += times
    order = np.argsort(-counts, kind="stable")
    found = [chr(code) for code in order[counts[order] > 0].tolist()]
    found = [sign for sign in found if not sign.isspace()][:most]
    if not found:
        raise Refused(say("There is no character in the training rows from which a tokenizer could be learned."))
    return found


def _trained(
    start: Any, texts: Callable[[], Iterator[pl.Series]], size: int, alphabet: list[str], numbered: tuple[str, ...]
) -> dict[str, int]:
    """The library's vocabulary by number, of these characters alone; `numbered` stand first, as they stand here."""
    made = library()
    tokenizer = made.Tokenizer(made.models.WordPiece(unk_token=SPECIAL[1]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = start.normalizer, start.pre_tokenizer
    trainer = made.trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(numbered), initial_alphabet=alphabet, limit_alphabet=len(alphabet),
        continuing_subword_prefix=GOES_ON, show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator((text for some in texts() for text in some), trainer)
    vocabulary: dict[str, int] = tokenizer.get_vocab(with_added_tokens=False)
    return dict(sorted(vocabulary.items(), key=lambda pair: pair[1]))
