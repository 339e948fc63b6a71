"""Tensors in safetensors files, one or many, mapped and never unpickled; every one of them named, shaped and finite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import vault
from modelwright.nouns import Refused
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from torch import Tensor

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
READ = ("F32", "F16", "BF16")
"""Kinds of numbers that become float32 without a loss."""
UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.pkl")
SHOWN = 3
"""Faults that a sentence names."""
LARGEST = 1 << 26


@dataclass(frozen=True)
class Weights:
    """Tensors of a folder by name, each in an open file; none is read yet."""

    files: tuple[Path, ...]
    lies: Mapping[str, tuple[Any, str]] = field(repr=False)
    """Name -> the open file in which the tensor lies, and its name there."""

    def under(self, prefix: str) -> Weights:
        """The same, and where names begin so, without that."""
        return Weights(self.files, {name.removeprefix(prefix): place for name, place in self.lies.items()})

    def shape(self, name: str) -> tuple[int, ...]:
        file, whole = self.lies[name]
        return tuple(file.get_slice(whole).get_shape())

    def numbers(self, name: str) -> str:
        """Which kind of numbers, as safetensors names it."""
        file, whole = self.lies[name]
        return str(file.get_slice(whole).get_dtype())

    def read(self, name: str) -> Tensor:
        """float32."""
        file, whole = self.lies[name]
        return file.get_tensor(whole).float()

    def digest(self) -> str:
        """SHA-256 over all files."""
        found = sha256()
        for path in self.files:
            with path.open("rb") as file:
                while piece := file.read(1 << 22):
                    found.update(piece)
        return found.hexdigest()


def opened(folder: Path, stack: ExitStack) -> Weights:
    """Refused: no safetensors there, a shard missing or cut short, a tensor not where the index says."""
    shards = _shards(folder)
    if shards is None:
        file = folder / WHOLE
        if not file.is_file():
            raise _nothing_to_read(folder)
        found = _mapped(file, stack)
        return Weights((file,), {name: (found, name) for name in _names(found)})
    names = sorted(set(shards.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        told = say("{folder} is not whole: {file} is not there, which its index names.", folder=folder, file=missing[0])
        raise Refused(told, say("Fetch the folder again, with all of its files."))
    files = {name: _mapped(folder / name, stack) for name in names}
    strays = [tensor for tensor, name in shards.items() if tensor not in _names(files[name])]
    if strays:
        facts = {"file": folder / shards[strays[0]], "tensor": strays[0]}
        raise Refused(say("{file} does not hold {tensor}, though its index says so.", **facts))
    return Weights(tuple(folder / name for name in names), {tensor: (files[name], tensor) for tensor, name in shards.items()})


def refuse_unlike(weights: Weights, wanted: Mapping[str, tuple[int, ...]], idle: Iterable[str]) -> tuple[str, ...]:
    """Refused: a tensor missing, of another shape, of numbers that are not read, or of no use known here. What is left out."""
    here = set(weights.lies)
    left = [name for name in sorted(here - wanted.keys()) if any(re.fullmatch(pattern, name) for pattern in idle)]
    faults = [say("{name} is missing", name=name) for name in wanted if name not in here]
    faults += [say("{name} is not of this model", name=name) for name in sorted(here - wanted.keys() - set(left))]
    for name in (name for name in wanted if name in here):
        found, numbers = weights.shape(name), weights.numbers(name)
        if found != tuple(wanted[name]):
            facts = {"name": name, "found": list(found), "needed": list(wanted[name])}
            faults.append(say("{name} has shape {found}, the model needs {needed}", **facts))
        elif numbers not in READ:
            faults.append(say("{name} is of {numbers}, and {read} are read", name=name, numbers=numbers, read=", ".join(READ)))
    if faults:
        raise unfit(weights, faults)
    return tuple(left)


def refuse_not_finite(weights: Weights, tensors: Mapping[str, Tensor]) -> None:
    import torch

    wrong = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise unfit(weights, [say("{name} holds numbers that are none (NaN or infinite)", name=name) for name in wrong])


def unfit(weights: Weights, faults: list[str]) -> Refused:
    """The first of the faults, and how many more."""
    told = "; ".join(faults[:SHOWN])
    if len(faults) > SHOWN:
        told += "; " + say_many("and {n} more", "and {n} more", len(faults) - SHOWN)
    where = weights.files[0] if len(weights.files) == 1 else weights.files[0].parent
    return Refused(say("{file} does not fit its config.json: {faults}.", file=where, faults=told))


def _shards(folder: Path) -> dict[str, str] | None:
    """The file of each tensor; None: there is one file for all. Refused: an index that is none, or that leads elsewhere."""
    file = folder / INDEX
    if not file.is_file() or (folder / WHOLE).is_file():
        return None
    told = vault.read_json(vault.read_bytes(file, LARGEST), str(file))
    lies = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(lies, dict) or not lies or not all(_plain(name) for name in lies.values()):
        raise Refused(say("{file} does not say in which file beside it each tensor lies.", file=file))
    return lies


def _plain(name: Any) -> bool:
    """A file's name, and no way out of the folder."""
    return isinstance(name, str) and name == Path(name).name and name.endswith(".safetensors") and "\\" not in name


def _mapped(file: Path, stack: ExitStack) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return stack.enter_context(safe_open(file, framework="pt"))
    except (SafetensorError, OSError, ValueError) as error:
        told = say("{file} cannot be read ({problem}): it is cut short or damaged.", file=file, problem=error)
        raise Refused(told, say("Fetch it again.")) from error


def _names(file: Any) -> list[str]:
    return list(file.keys())


def _nothing_to_read(folder: Path) -> Refused:
    unsafe = sorted(path.name for pattern in UNSAFE for path in folder.glob(pattern))
    if not unsafe:
        return Refused(say("{folder} has no {file}.", folder=folder, file=WHOLE))
    return Refused(
        say("{folder} has its weights in {file} alone, which may run code when it is read.", folder=folder, file=unsafe[0]),
        say("Convert them, where you trust them: model.save_pretrained(FOLDER, safe_serialization=True) in transformers."),
    )
