"""What a recipe will cost, before it runs; and its miniature. Verbs: plan, miniature."""

from modelwright.planning.foretelling import Ground, Prepared, plan
from modelwright.planning.measuring import step_bytes
from modelwright.planning.plan import CAUSES, STAGES, Plan, planned
from modelwright.planning.telling import sentence, table

__all__ = ["CAUSES", "STAGES", "Ground", "Plan", "Prepared", "plan", "planned", "sentence", "step_bytes", "table"]
