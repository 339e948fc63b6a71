"""Public chance: a number that is a function of its address alone, the same on every machine.

Order, augmentation, splits and first weights all start here. Secret chance (keys, privacy noise) never does.
"""

from __future__ import annotations

from hashlib import blake2b


def chance(*address: int | str) -> int:
    """A number in [0, 2**63) that belongs to this address, as in chance(seed, "order", epoch).

    Every part of the address is told apart by its type and length, so that ("ab", "c") and ("a", "bc") or 1 and "1"
    are different addresses. blake2b (RFC 7693) of the address, cut to 63 bits: torch's generators take it as a seed.
    """
    digest = blake2b(digest_size=8, person=b"modelwright")
    for part in address:
        text = str(int(part)) if isinstance(part, int) else part
        kind = b"i" if isinstance(part, int) else b"s"
        data = text.encode("utf-8", "surrogatepass")
        digest.update(kind + len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little") >> 1
