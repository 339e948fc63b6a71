"""The vault: the only code that commits bytes to a disk, and the first to judge bytes that come back. Knows no model.

What was there before stays until what comes after is written, flushed and read back; a kill at any instant leaves one of
the two, whole. What cannot be written, or is not what was written, is Refused with the file's name and the way out.
"""

from modelwright.vault.files import aside, put_file, put_secret
from modelwright.vault.folders import attest, attested, clear, put_folder, take_folder
from modelwright.vault.journal import append, read_lines
from modelwright.vault.lock import lock
from modelwright.vault.place import cache_folder, config_folder
from modelwright.vault.reading import read_bytes, read_json, read_written
from modelwright.vault.snapshots import keep_snapshot, latest_snapshot

__all__ = [
    "append",
    "aside",
    "attest",
    "attested",
    "cache_folder",
    "clear",
    "config_folder",
    "keep_snapshot",
    "latest_snapshot",
    "lock",
    "put_file",
    "put_folder",
    "put_secret",
    "read_bytes",
    "read_json",
    "read_lines",
    "read_written",
    "take_folder",
]
