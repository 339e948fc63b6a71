"""Where things lie that may be lost and made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The platform's cache folder for modelwright, or MODELWRIGHT_CACHE. It may not be there yet: putting makes it."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("MODELWRIGHT_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("modelwright", appauthor=False)
