"""The recipe's section [protection]: what an artifact carries so that others can trust it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protection:
    """A signature says who made the artifact; it hides nothing."""

    sign: bool = True
    """With the user's own key, which is made at its first use."""
