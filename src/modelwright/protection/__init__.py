"""Whose word stands for an artifact: keys, signatures, and whom this user trusts. Verbs: sign, judge."""

from modelwright.protection.keys import PublicKey, Signer, export, own_key, read_public
from modelwright.protection.section import Protection
from modelwright.protection.signing import sign, stated
from modelwright.protection.trusting import Standing, judge, known_keys, trust

__all__ = [
    "Protection", "PublicKey", "Signer", "Standing",
    "export", "judge", "known_keys", "own_key", "read_public", "sign", "stated", "trust",
]  # fmt: skip
