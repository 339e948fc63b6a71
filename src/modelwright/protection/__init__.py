"""Whose word stands for an artifact, and who can read it: signatures, trust, sealing keys. Verbs: sign, judge."""

from modelwright.protection.keys import PublicKey, Signer, export, own_key, read_public
from modelwright.protection.seals import KeyCommand, KeyFile, Sealing, at_hand
from modelwright.protection.section import Protection
from modelwright.protection.signing import sign, stated
from modelwright.protection.trusting import Standing, judge, known_keys, trust

__all__ = [
    "KeyCommand", "KeyFile", "Protection", "PublicKey", "Sealing", "Signer", "Standing",
    "at_hand", "export", "judge", "known_keys", "own_key", "read_public", "sign", "stated", "trust",
]  # fmt: skip
