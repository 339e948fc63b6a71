"""A tokenizer that came with somebody's weights: their tokenizer.json, their numbers. A alphabet.

What a user types is never taken for a control token, though theirs would: "</s>" in a text is four letters and signs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright import vault
from modelwright.data.codecs.tokens.tokenizing import LIBRARY, Controls, parsed, spelled_bytes
from modelwright.nouns import Refused
from modelwright.wording import say

CONTROLS = "controls.json"
"""Which of its numbers are control tokens, in an artifact."""
TEMPLATE = "chat_template.jinja"
"""How a conversation becomes a text, as its makers wrote it: never run as code."""
LARGEST = 1 << 26
"""Bytes of a tokenizer.json."""
MOST = 1 << 24
"""No tokenizer has so many tokens."""
BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
SPACE = "▁"
"""How SentencePiece and its kin write a space."""


@dataclass(frozen=True)
class Adopted:
    told: str
    """tokenizer.json."""
    controls: Controls
    alphabet: int
    """At least as many as the tokenizer numbers; a number above those spells nothing."""
    template: str = ""
    """Of conversations; empty: there is none."""

    @cached_property
    def library(self) -> Any:
        found = parsed(self.told)
        found.no_truncation()  # the codec cuts and pads
        found.no_padding()
        found.encode_special_tokens = True
        return found

    @property
    def pieces(self) -> tuple[bytes, ...]:
        return self._pieces

    @cached_property
    def _pieces(self) -> tuple[bytes, ...]:
        return spelled(json.loads(self.told), self.alphabet)

    @cached_property
    def _reading(self) -> Any:
        """The library's, in which a Unigram's control tokens have no name: else it takes "</s>" in a text for one, since they
        are pieces as others are, with the best score of all."""
        tree = json.loads(self.told)
        if tree["model"]["type"] != "Unigram":
            return self.library
        pieces = tree["model"]["vocab"]
        hidden = [token for token in tree["added_tokens"] if token["special"] and token["id"] < len(pieces)]
        for token in hidden:
            pieces[token["id"]][0] = ""
        tree["added_tokens"] = [token for token in tree["added_tokens"] if token not in hidden]
        return replace(self, told=json.dumps({**tree, "post_processor": None})).library

    def numbers(self, texts: pl.Series) -> list[np.ndarray]:
        found = self._reading.encode_batch_fast(texts.to_list(), add_special_tokens=False)
        return [np.array(one.ids, np.int64) for one in found]

    def files(self) -> Mapping[str, str]:
        controls = {"alphabet": self.alphabet, **asdict(self.controls)}
        template = {TEMPLATE: self.template} if self.template else {}
        return {LIBRARY: self.told, CONTROLS: json.dumps(controls), **template}


def load(files: Mapping[str, str]) -> Adopted:
    """KeyError or ValueError where the files are damaged."""
    facts: dict[str, Any] = json.loads(files[CONTROLS])
    alphabet = facts.pop("alphabet")
    kept: dict[str, Any] = {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}
    controls = Controls(**kept)
    parsed(files[LIBRARY])
    return Adopted(files[LIBRARY], controls, alphabet, files.get(TEMPLATE, ""))


def read(path: Path) -> Adopted:
    """From a tokenizer.json, or the folder of one, and what stands beside it. Refused: not there, or no tokenizer."""
    folder = path if path.is_dir() else path.parent
    file = folder / LIBRARY if path.is_dir() else path
    if not file.is_file():
        told = say("{folder} has no tokenizer.json.", folder=folder)
        raise Refused(told, say("transformers writes one: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"))
    data = vault.read_bytes(file, LARGEST)
    tree = vault.read_json(data, str(file))
    config = {**_beside(folder, "special_tokens_map.json"), **_beside(folder, "tokenizer_config.json")}
    try:
        _refuse_unnamed(tree.get("post_processor"))
        highest = _highest(tree) + 1
        controls = controls_of(parsed(data.decode()), config)
        spelled(tree, highest)
    except Exception as error:  # the library raises no narrower class
        raise Refused(say("{file} describes no tokenizer ({problem}).", file=file, problem=error)) from error
    return Adopted(data.decode(), controls, highest, _template(folder, config))


def controls_of(library: Any, config: Mapping[str, Any]) -> Controls:
    """From what the tokenizer itself puts around a text, and from the names of its tokens: eos_token, pad_token, unk_token."""

    def numbered(role: str) -> tuple[int, ...]:
        named = config.get(role)
        name = named.get("content") if isinstance(named, dict) else named
        number = library.token_to_id(name) if isinstance(name, str) else None
        return () if number is None else (number,)

    before, after = around(library)
    ends = numbered("eos_token")
    said = {*before, *after, *ends}
    padding, unknown, mask = (
        [number for number in numbered(role) if number not in said] for role in ("pad_token", "unk_token", "mask_token")
    )
    return Controls(
        begin=before, end=after or ends, stops=ends or after,
        padding=padding[0] if padding and padding != unknown else None, unknown=unknown[0] if unknown else None,
        mask=mask[0] if mask else None,
    )  # fmt: skip


def around(library: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers that the tokenizer puts before a text, and after it."""
    library.no_truncation()
    library.no_padding()
    own, whole = library.encode("a", add_special_tokens=False).ids, library.encode("a").ids
    for start in range(len(whole) - len(own) + 1):
        if whole[start : start + len(own)] == own:
            return tuple(whole[:start]), tuple(whole[start + len(own) :])
    return (), ()


def fitted(tokenizer: Adopted, alphabet: int, stops: Iterable[int] = ()) -> Adopted:
    """For a model that reads and writes so many numbers, and at more of them stops. Refused: the tokenizer has more."""
    if tokenizer.alphabet > alphabet:
        facts = {"theirs": f"{tokenizer.alphabet:,}", "rows": f"{alphabet:,}"}
        told = say("The tokenizer does not fit the weights: it numbers {theirs} tokens, and the embedding has {rows}.", **facts)
        raise Refused(told, say("Take both from one folder, as they were saved together."))
    controls = tokenizer.controls
    roles = (*controls.begin, *controls.end, *controls.stops, controls.padding, controls.unknown, controls.mask)
    strange = [number for number in roles if number is not None and number >= alphabet]
    if strange:
        facts = {"number": f"{strange[0]:,}", "rows": f"{alphabet:,}"}
        raise Refused(say("A control token has the number {number}, and the embedding has {rows} rows.", **facts))
    all_stops = tuple(dict.fromkeys((*controls.stops, *(stop for stop in stops if stop < alphabet))))
    unused = tuple(range(tokenizer.alphabet, alphabet))
    kept = replace(controls, stops=all_stops, end=controls.end or all_stops[:1], never=(*controls.never, *unused))
    if kept.padding in all_stops:
        kept = replace(kept, padding=None)
    return replace(tokenizer, alphabet=alphabet, controls=kept)


# --- what each number spells --------------------------------------------------------------------------------------------


def spelled(tree: Mapping[str, Any], alphabet: int) -> tuple[bytes, ...]:
    """(A,) by the tokenizer's own decoder; of control tokens and of numbers without a token nothing."""
    found = [b""] * alphabet
    added = {token["id"]: token for token in tree.get("added_tokens") or ()}
    spell = _spell(_decoders(tree.get("decoder")))
    for token, number in _numbered(tree).items():
        found[number] = spell(token)
    for number, token in added.items():
        found[number] = b"" if token["special"] else token["content"].encode()
    return tuple(found)


def _spell(steps: Mapping[str, Mapping[str, Any]]) -> Any:
    """How a token becomes bytes."""
    if "ByteLevel" in steps:
        letters = spelled_bytes()

        def by_bytes(token: str) -> bytes:
            return bytes(letters[sign] for sign in token) if all(sign in letters for sign in token) else token.encode()

        return by_bytes
    if "WordPiece" in steps:
        prefix = steps["WordPiece"].get("prefix", "##")
        return lambda token: (token.removeprefix(prefix) if token.startswith(prefix) else f" {token}").encode()
    if "BPEDecoder" in steps:
        suffix = steps["BPEDecoder"].get("suffix", "</w>")
        return lambda token: (f"{token.removesuffix(suffix)} " if token.endswith(suffix) else token).encode()
    fallback = "ByteFallback" in steps

    def by_signs(token: str) -> bytes:
        byte = BYTE.fullmatch(token) if fallback else None
        return bytes.fromhex(byte[1]) if byte else token.replace(SPACE, " ").encode()

    return by_signs


def _decoders(told: Any) -> dict[str, Mapping[str, Any]]:
    """Each step of a decoder by its type."""
    if not told:
        return {}
    steps = told["decoders"] if told["type"] == "Sequence" else [told]
    return {step["type"]: step for step in steps}


def _numbered(tree: Mapping[str, Any]) -> dict[str, int]:
    """Every token with its number, added ones too."""
    vocabulary = tree["model"]["vocab"]
    if isinstance(vocabulary, list):  # of a Unigram: each with its chance
        vocabulary = {token: number for number, (token, _) in enumerate(vocabulary)}
    return {**vocabulary, **{token["content"]: token["id"] for token in tree.get("added_tokens") or ()}}


def _highest(tree: Mapping[str, Any]) -> int:
    """Of all its numbers. ValueError where there can be no so many tokens."""
    found = max(*_numbered(tree).values(), *_numbered({**tree, "added_tokens": []}).values())
    if found >= MOST:
        raise ValueError(say("a token has the number {n}", n=found))
    return found


def _refuse_unnamed(step: Any) -> None:
    """ValueError where a token is put around a text that the same file does not number: the library would not come back."""
    for inner in (step or {}).get("processors", ()):
        _refuse_unnamed(inner)
    if step and step["type"] == "TemplateProcessing":
        used = [piece["SpecialToken"]["id"] for part in ("single", "pair") for piece in step[part] if "SpecialToken" in piece]
        if missing := [name for name in used if name not in step["special_tokens"]]:
            raise ValueError(say('"{name}" is put around a text and has no number', name=missing[0]))


def _beside(folder: Path, name: str) -> Mapping[str, Any]:
    """What a file of names says; nothing where it is not there."""
    file = folder / name
    if not file.is_file():
        return {}
    told = vault.read_json(vault.read_bytes(file, LARGEST), str(file))
    if not isinstance(told, dict):
        raise Refused(say("{file} is not what it should be: an object of JSON.", file=file))
    return told


def _template(folder: Path, config: Mapping[str, Any]) -> str:
    """The one that is used where none is named."""
    file = folder / TEMPLATE
    if file.is_file():
        return vault.read_bytes(file, LARGEST).decode()
    told = config.get("chat_template") or ""
    if isinstance(told, list):
        told = next((one["template"] for one in told if one.get("name") == "default"), "")
    return told if isinstance(told, str) else ""
