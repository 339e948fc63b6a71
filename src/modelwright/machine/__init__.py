"""What this computer is and does best. Verb: probe."""

from modelwright.machine.costs import Meter, of_all
from modelwright.machine.facts import cores, facts, fingerprint
from modelwright.machine.probing import candidates, probe
from modelwright.machine.section import Machine
from modelwright.machine.tuning import tuned

__all__ = ["Machine", "Meter", "candidates", "cores", "facts", "fingerprint", "of_all", "probe", "tuned"]
