"""The recipe's section [protection]: whose word stands for an artifact, and who can read what a run leaves."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright import vault
from modelwright.protection.seals import Sealing


@dataclass(frozen=True)
class Protection:
    """A signature says who made the artifact and hides nothing; a seal hides it from all who have not the key."""

    sign: bool = True
    """With the user's own key, which is made at its first use."""
    seal: Sealing | None = None
    """Where the key comes from that seals artifact, snapshots, report and cache."""

    def opened(self) -> vault.Seal | None:
        """The key, read now."""
        return None if self.seal is None else self.seal.seal()
