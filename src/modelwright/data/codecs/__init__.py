"""The one door between raw rows and tensors, and back: fitted on training rows, the same wherever rows come from."""

from typing import TypeAlias

from modelwright.data.codecs.columns import Columns
from modelwright.data.codecs.conversations import Conversations
from modelwright.data.codecs.documents import Documents
from modelwright.data.codecs.pairs import Pairs
from modelwright.data.codecs.pictures import Pictures
from modelwright.data.codecs.sentences import Sentences
from modelwright.data.codecs.sounds import LogMel
from modelwright.data.codecs.spans import Spans
from modelwright.data.codecs.tags import Tags
from modelwright.data.codecs.words import Characters, Texts, Words

Encoding: TypeAlias = (
    Columns | Pictures | Words | Characters | Texts | LogMel | Documents | Conversations | Spans | Pairs | Tags | Sentences
)
"""What a recipe may order, and an artifact may hold."""

__all__ = [
    "Characters", "Columns", "Conversations", "Documents", "Encoding", "LogMel", "Pairs", "Pictures", "Sentences",
    "Spans", "Tags", "Texts", "Words",
]  # fmt: skip
