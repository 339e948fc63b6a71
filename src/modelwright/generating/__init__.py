"""A model that learned from texts goes on with them: prompts in, texts out. Verb: generate. Knows no training."""

from modelwright.generating.begun import Begun
from modelwright.generating.files import Answered, Answering, answer_file
from modelwright.generating.going import Said, begin, converse, cut, generate, several
from modelwright.generating.keeping import Keeping

__all__ = [
    "Answered",
    "Answering",
    "Begun",
    "Keeping",
    "Said",
    "answer_file",
    "begin",
    "converse",
    "cut",
    "generate",
    "several",
]
