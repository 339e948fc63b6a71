"""One model on several processes of this machine. Verbs: join (a worker's), lead (that of the one who starts them).

torchrun's agent starts the workers and watches them; what they have learned together is summed by gloo, or by nccl where there
is a GPU for each. Whoever trains knows a Together and not how many there are. Knows no model, no recipe and no run folder.
"""

from modelwright.parallel.alone import ALONE, Alone
from modelwright.parallel.gathering import Parted, asked_to_stop, is_worker, last_word, leave_word, rank
from modelwright.parallel.joining import follow, join, leave
from modelwright.parallel.leading import Order, lead
from modelwright.parallel.watching import Limits

__all__ = [
    "ALONE", "Alone", "Limits", "Order", "Parted", "asked_to_stop", "follow", "is_worker", "join", "last_word", "lead",
    "leave", "leave_word", "rank",
]  # fmt: skip
