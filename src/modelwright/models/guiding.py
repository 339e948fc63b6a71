"""What a text that is said must keep to: which tokens may follow, and when it has come to its end. A alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Guide(Protocol):
    """Goes with one text, and is told every token of it."""

    @property
    def whole(self) -> bool:
        """Whether the text could end here."""
        ...

    def allowed(self) -> Tensor | None:
        """bool (A,): what may follow; None: anything."""
        ...

    def told(self, token: int) -> bool:
        """Whether the text goes on after this token."""
        ...

    def fork(self) -> Guide:
        """Another one, where this one stands: for a text that goes on in two ways."""
        ...
