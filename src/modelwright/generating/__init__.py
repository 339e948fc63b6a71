"""A model that learned from texts goes on with them: prompts in, texts out. Verb: generate. Knows no training."""

from modelwright.generating.begun import Begun
from modelwright.generating.files import Answered, Answering, answer_file
from modelwright.generating.going import begin, chats, converse, cut, generate, several, speaks, talk
from modelwright.generating.keeping import Keeping
from modelwright.generating.ordering import Said
from modelwright.generating.voices import Voice, speak

__all__ = [
    "Answered", "Answering", "Begun", "Keeping", "Said", "Voice", "answer_file", "begin", "chats", "converse", "cut",
    "generate", "several", "speak", "speaks", "talk",
]  # fmt: skip
