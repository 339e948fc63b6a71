"""How sentence-transformers makes one vector of a text: what stands beside the model in modules.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say

LARGEST = 1 << 24
POOLINGS: dict[str, Literal["mean", "first"]] = {"mean": "mean", "mean_tokens": "mean", "cls": "first", "cls_token": "first"}


@dataclass(frozen=True)
class Embedding:
    answer: Literal["mean", "first"] = "mean"
    unit: bool = False
    longest: int | None = None
    """Tokens that are read of a text; None: all for which there is a place."""
    stated: bool = False
    """Whether its makers say so; else it is the mean, as sentence-transformers would take it."""


def read(folder: Path, width: int) -> Embedding:
    """Refused: modules that are none of the three, another pooling than mean or first, a prompt before each text."""
    file = folder / "modules.json"
    if not file.is_file():
        return Embedding()
    modules = json_of(file)
    if not isinstance(modules, list) or not all(isinstance(one, dict) for one in modules):
        raise Refused(say("{file} does not list modules.", file=file))
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        told = say("{file} lists {kinds}; only Transformer, Pooling and Normalize are read.", file=file, kinds=", ".join(kinds))
        raise Refused(told)
    _refuse_prompt(folder)
    pooling = folder / str(modules[1].get("path", "1_Pooling")) / "config.json"
    if folder.resolve() not in pooling.resolve().parents:
        raise Refused(say("{file} leads out of its folder.", file=file))
    return Embedding(_pooling(pooling, width), len(kinds) == 3, _longest(folder), stated=True)


def _pooling(file: Path, width: int) -> Literal["mean", "first"]:
    told = object_of(file)
    asked = [key.removeprefix("pooling_mode_") for key, on in told.items() if key.startswith("pooling_mode_") and on]
    named = told.get("pooling_mode")
    asked += [named] if isinstance(named, str) else named if isinstance(named, list) else []
    if len(asked) != 1 or asked[0] not in POOLINGS:
        how = ", ".join(map(str, asked))
        raise Refused(say("{file} pools by {how}; the mean or the first step is read.", file=file, how=how))
    for name in ("word_embedding_dimension", "embedding_dimension"):
        if told.get(name, width) != width:
            facts = {"file": file, "name": name, "found": told[name], "width": width}
            raise Refused(say("{file}: {name} = {found}, but the model's width is {width}.", **facts))
    return POOLINGS[asked[0]]


def _longest(folder: Path) -> int | None:
    file = folder / "sentence_bert_config.json"
    told = object_of(file) if file.is_file() else {}
    if told.get("do_lower_case"):
        raise Refused(say("{file}: do_lower_case = true is not honoured here: its tokenizer must lower letters.", file=file))
    found = told.get("max_seq_length")
    if found is not None and (type(found) is not int or found < 3):
        raise Refused(say("{file}: max_seq_length = {found}: a whole number from 3 is needed.", file=file, found=found))
    return found


def _refuse_prompt(folder: Path) -> None:
    file = folder / "config_sentence_transformers.json"
    told = object_of(file) if file.is_file() else {}
    if told.get("default_prompt_name") is not None:
        facts = {"file": file, "name": told["default_prompt_name"]}
        raise Refused(say("{file}: default_prompt_name = {name} puts words before each text, which is not done here.", **facts))


def json_of(file: Path) -> Any:
    """Refused: not there, or not JSON."""
    return vault.read_json(vault.read_bytes(file, LARGEST), str(file))


def object_of(file: Path) -> Mapping[str, Any]:
    told = json_of(file)
    if not isinstance(told, dict):
        raise Refused(say("{file} is not what it should be: an object of JSON.", file=file))
    return told
