"""A recipe written from a look at the data: what `init` writes and `run data.csv --label price` runs. Knows no training."""

from modelwright.drafting.drawn import commented, draft
from modelwright.drafting.looking import Look, look

__all__ = ["Look", "commented", "draft", "look"]
