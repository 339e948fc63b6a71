"""Artifacts on disk: what lies in one, putting it there and taking it back. Knows no run and no recipe.

A folder, and nothing else in it: label.json, weights.safetensors, codec.safetensors, the codec's text files, rows.safetensors
(the ids of each part, never a row: members.py), README.md (the card) and manifest.json (SHA-256 over all the others). Where it
was signed, signature.json stands beside the manifest, over it and over the digest of the content.

What was learned beside a base (model.lora) is stored alone: the label says where the base lies, and the SHA-256 of its
manifest.
"""

from modelwright.shelf.leaning import leans, named
from modelwright.shelf.putting import put
from modelwright.shelf.taking import take
from modelwright.shelf.vouching import closed, content, sign, standing, standing_outside

__all__ = ["closed", "content", "leans", "named", "put", "sign", "standing", "standing_outside", "take"]
