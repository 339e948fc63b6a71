"""Documents as passages, a span of rows at a time: in memory, or in files of the cache that are mapped. P passages, T time.

Short texts share a passage with others of their span, so that what is learned from is the same wherever it lies. A span that
was encoded is a shard: one file. Once all are there they are laid together, a file for each tensor, and go; so a run that was
ended goes on with the span after the last.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from modelwright import vault
from modelwright.data.encoded import joined, without
from modelwright.data.feed import STEPS
from modelwright.data.packing import packed
from modelwright.machine import cores
from modelwright.nouns import Batch, Codec, Rows
from modelwright.reader import write

if TYPE_CHECKING:
    from modelwright.data.codecs.documents.passages import Passages

SPAN = 1 << 22
"""Bytes of the texts of a span; at least one row."""
FACTS = "facts.json"
NARROW = {torch.int64: torch.int32}
"""How the numbers of steps lie on the disk: of tokens and documents there are fewer than 2 ** 31."""
Told = Callable[[int, int], None]
"""Is told how many spans are done, of how many."""


def in_memory(codec: Passages, rows: Rows, positions: np.ndarray, told: Told = lambda done, total: None) -> tuple[Batch, int]:
    """The rows at these positions as one Batch, and how many were dropped."""
    whole, dropped = list[Batch](), 0
    for batch, gone in _encoded(codec, rows, _spans(codec, rows, positions), told):
        whole.append(batch)
        dropped += gone
    return joined(whole), dropped


def on_disk(codec: Passages, rows: Rows, positions: np.ndarray, data: str, told: Told) -> tuple[Batch, int]:
    """The same, its tensors mapped. data: the fingerprint of what the rows were picked from. What lies in the cache already,
    made of the same by the same codec, is taken."""
    folder = vault.cache_folder() / "tokens" / _address(codec, rows, positions, data)
    with vault.lock(folder, patient=True):
        vault.sweep(folder, age=0)  # what a killed run had begun to write: nobody else writes here
        facts = _whole(folder)
        if facts is None:
            facts = _laid_out(folder, _shards(codec, rows, positions, folder, told), codec.encoding.longest)
        vault.clear(folder, [path.name for path in folder.glob("*.safetensors")])
    return {name: _opened(folder / name, *one) for name, one in facts["tensors"].items()}, facts["dropped"]


def _spans(codec: Passages, rows: Rows, positions: np.ndarray) -> list[np.ndarray]:
    """The positions in parts, each with SPAN bytes of text or a little more; one part at least."""
    columns = [rows.columns[name].str.len_bytes().fill_null(0).to_numpy()[positions] for name in codec.encoding.columns]
    span = np.cumsum(np.sum(columns, axis=0), dtype=np.int64) // SPAN
    return np.split(positions, np.flatnonzero(np.diff(span)) + 1)


def _encoded(codec: Passages, rows: Rows, spans: list[np.ndarray], told: Told) -> Iterator[tuple[Batch, int]]:
    """In order, on all cores; while one is laid away the next are under way. A codec is a value: threads may share it."""

    def passages(span: np.ndarray) -> tuple[Batch, int]:
        pieces, dropped = without(*codec.encode(rows.take(span)))
        return packed(pieces, codec.encoding), dropped

    abreast = cores()
    with ThreadPoolExecutor(abreast) as threads:
        under_way = deque(threads.submit(passages, span) for span in spans[:abreast])
        for done in range(1, len(spans) + 1):
            found = under_way.popleft().result()
            under_way.extend(threads.submit(passages, span) for span in spans[done + abreast - 1 : done + abreast])
            told(done, len(spans))
            yield found


# --- on the disk --------------------------------------------------------------------------------------------------------


def _address(codec: Codec, rows: Rows, positions: np.ndarray, data: str) -> str:
    """What the passages follow from."""
    state = codec.state()
    told = repr((data, write(codec.encoding), SPAN, dict(state.facts), dict(state.texts)))
    return sha256(told.encode() + rows.ids[positions].tobytes()).hexdigest()[:32]


def _whole(folder: Path) -> Any:
    """The facts of what lies there, where it is complete and undamaged; else None."""
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads(vault.take_file(folder / FACTS))
    there = all((folder / name).is_file() and vault.digest(folder / name) == one[2] for name, one in facts["tensors"].items())
    return facts if there else None


def _shards(codec: Passages, rows: Rows, positions: np.ndarray, folder: Path, told: Told) -> list[Path]:
    """Encodes the spans that no shard is there of."""
    spans = _spans(codec, rows, positions)
    paths = [folder / f"{place:06}.safetensors" for place in range(len(spans))]
    wanted = [place for place, path in enumerate(paths) if not path.is_file()]
    there = len(spans) - len(wanted)
    found = _encoded(codec, rows, [spans[place] for place in wanted], lambda done, _: told(there + done, len(spans)))
    for place, (batch, dropped) in zip(wanted, found):
        narrow = {
            name: tensor.to(NARROW.get(tensor.dtype)) if name in STEPS["mask"] else tensor for name, tensor in batch.items()
        }
        vault.put_file(paths[place], save(narrow, {"dropped": str(dropped)}))
    return paths


def _laid_out(folder: Path, shards: list[Path], longest: int) -> Any:
    """All shards as one file for each tensor, then the facts: of each its type, its shape and its digest."""
    with ExitStack() as opened:
        parts = [opened.enter_context(safe_open(shard, "pt")) for shard in shards]
        tensors = {name: _tensor(folder / name, (part.get_tensor(name) for part in parts), longest) for name in parts[0].keys()}  # noqa: SIM118
        facts = {"tensors": tensors, "dropped": sum(int(part.metadata()["dropped"]) for part in parts)}
    vault.put_file(folder / FACTS, json.dumps(facts).encode())
    return facts


def _tensor(path: Path, parts: Iterable[torch.Tensor], longest: int) -> tuple[str, list[int], str]:
    """Writes one tensor, its steps padded to the longest. Its type, its shape and the file's digest."""
    kinds, heights, wide = set[str](), list[int](), list[int]()

    def contents() -> Iterator[bytes]:
        for part in parts:
            padded = part if part.ndim == 1 else torch.nn.functional.pad(part, (0, longest - part.shape[1]))
            kinds.add(str(part.dtype).removeprefix("torch."))
            heights.append(len(part))
            wide[:] = padded.shape[1:]
            yield padded.numpy().tobytes()

    digest = vault.put_parts(path, contents())
    (kind,) = kinds
    return kind, [sum(heights), *wide], digest


def _opened(path: Path, dtype: str, shape: list[int], digest: str) -> torch.Tensor:
    """The file's tensor, mapped: what is changed in it does not reach the file."""
    kind = getattr(torch, dtype)
    count = int(np.prod(shape))
    flat = torch.from_file(str(path), shared=False, size=count, dtype=kind) if count else torch.empty(0, dtype=kind)
    return flat.view(shape)
