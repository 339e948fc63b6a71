"""What this computer is and does best. Verb: probe."""

from modelwright.machine.costs import Meter, of_all, watt_hours
from modelwright.machine.facts import cores, facts, fingerprint
from modelwright.machine.memory import Bound, Growth, disk_room, held_bytes, memory_limit, peak_bytes
from modelwright.machine.probing import COMPILING, candidates, probe, told
from modelwright.machine.section import Machine
from modelwright.machine.tuning import tuned

__all__ = [
    "COMPILING", "Bound", "Growth", "Machine", "Meter", "candidates", "cores", "disk_room", "facts", "fingerprint",
    "held_bytes", "memory_limit", "of_all", "peak_bytes", "probe", "told", "tuned", "watt_hours",
]  # fmt: skip
