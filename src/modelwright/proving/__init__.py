"""Properties proved on this machine, with the user's own recipe. Verbs: resume, parity."""

from modelwright.proving.processes import Parity, parity
from modelwright.proving.resuming import Proof, resume

__all__ = ["Parity", "Proof", "parity", "resume"]
