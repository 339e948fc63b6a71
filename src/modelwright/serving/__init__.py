"""Requests in, answers out: artifacts behind HTTP. The rows of a request pass the same door as those of a file.

Light to import; what needs torch or a web library lies in files that open inside functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelwright.nouns import Refused
from modelwright.serving import clients
from modelwright.serving.naming import named
from modelwright.serving.running import Place, Taken, take
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.nouns import Artifact

__all__ = ["Place", "Taken", "clients", "named", "serve", "take"]


def serve(artifacts: Mapping[str, Artifact], taken: Taken) -> None:
    """Answers until it is told to end; what is in flight is finished. Refused where the libraries are not there."""
    try:
        import starlette  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import uvicorn  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as missing:
        told = say('{name} is not installed: pip install "modelwright[serve]"', name=missing.name)
        raise Refused(told) from None
    from modelwright.serving.running import serve

    serve(artifacts, taken)
