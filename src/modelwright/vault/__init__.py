"""The vault: the only code that commits bytes to a disk, and the first to judge bytes that come back. Knows no model.

What was there before stays until what comes after is written, flushed and read back; a kill at any instant leaves one of
the two, whole. What cannot be written, or is not what was written, is Refused with the file's name and the way out.
"""

from modelwright.vault.files import aside, put_file, put_parts, put_plain, put_secret, scratch
from modelwright.vault.folders import (
    attest,
    attested,
    clear,
    put_folder,
    seal_of,
    survey,
    sweep,
    take_flowing,
    take_folder,
    tells_of_seals,
)
from modelwright.vault.journal import append, read_lines
from modelwright.vault.lock import lock
from modelwright.vault.pieces import Pieces
from modelwright.vault.place import cache_folder, config_folder
from modelwright.vault.reading import digest, read_bytes, read_json, read_written, take_file
from modelwright.vault.scope import ever_sealed, key_at_hand, lies_sealed, sealed, seals_now, unsealing
from modelwright.vault.sealing import Seal
from modelwright.vault.snapshots import keep_snapshot, latest_snapshot

__all__ = [
    "Pieces",
    "Seal",
    "append",
    "aside",
    "attest",
    "attested",
    "cache_folder",
    "clear",
    "config_folder",
    "digest",
    "ever_sealed",
    "keep_snapshot",
    "key_at_hand",
    "latest_snapshot",
    "lies_sealed",
    "lock",
    "put_file",
    "put_folder",
    "put_parts",
    "put_plain",
    "put_secret",
    "read_bytes",
    "read_json",
    "read_lines",
    "read_written",
    "scratch",
    "seal_of",
    "sealed",
    "seals_now",
    "survey",
    "sweep",
    "take_file",
    "take_flowing",
    "take_folder",
    "tells_of_seals",
    "unsealing",
]
