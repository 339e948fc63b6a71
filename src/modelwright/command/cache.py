"""What the verb cache does: how much is kept between runs, and where; or nothing more."""

from __future__ import annotations

from argparse import Namespace

from modelwright.command.asked import answer
from modelwright.wording import say


def cache(words: Namespace) -> int:
    from modelwright import vault

    folder = vault.cache_folder()
    if words.clear:
        vault.clear(folder, [entry.name for entry in folder.iterdir()] if folder.exists() else [])
        return answer(words, {"cache": str(folder), "bytes": 0}, say("{folder} is empty now.", folder=folder))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    return answer(
        words, {"cache": str(folder), "bytes": size}, say("{folder} holds {size} bytes.", folder=folder, size=f"{size:,}")
    )
