"""How good is it, and how sure are we? Verbs: answer, score. Knows no run and no recipe.

Rows without a label are not judged. A row that has a label but could not be read counts as wrong wherever answers are right
or wrong (accuracy, precision, recall, F1): a model that refuses the hard rows shall not look better for it. Figures made of
amounts (log loss, MSE, MAE, R2) have nothing to add for such a row: they rest on the rows that were read, and `n` says so.
"""

from modelwright.evaluation.answering import answer, answer_rows, replied, steps_at_once
from modelwright.evaluation.baselines import baselines
from modelwright.evaluation.comparing import compare
from modelwright.evaluation.counting import confusion
from modelwright.evaluation.differing import difference, differences, least_provable, same_rows
from modelwright.evaluation.entities import F1OfEntities, PrecisionOfEntities, RecallOfEntities, TagAccuracy
from modelwright.evaluation.following import at_once
from modelwright.evaluation.foretelling import baselines_cost
from modelwright.evaluation.foretold import BitsPerByte, Perplexity, TokenAccuracy
from modelwright.evaluation.keeping import gained_from_plain, keep, kept
from modelwright.evaluation.matching import BLEU, ChrF, Rouge, refuse_without_extra
from modelwright.evaluation.metrics import (
    F1,
    MAE,
    MSE,
    R2,
    Accuracy,
    LogLoss,
    Metric,
    Precision,
    Recall,
    comparable,
    natural,
    of_replies,
    score,
    scored,
    watched,
)
from modelwright.evaluation.mistaking import mistakes
from modelwright.evaluation.plainly import plain, predicted, spelled, told
from modelwright.evaluation.retrieval import NDCG, RecallAt, Spearman
from modelwright.evaluation.section import Evaluation
from modelwright.evaluation.tolerance import tolerance

__all__ = [
    "BLEU",
    "F1",
    "MAE",
    "MSE",
    "NDCG",
    "R2",
    "Accuracy",
    "BitsPerByte",
    "ChrF",
    "Evaluation",
    "F1OfEntities",
    "LogLoss",
    "Metric",
    "Perplexity",
    "Precision",
    "PrecisionOfEntities",
    "Recall",
    "RecallAt",
    "RecallOfEntities",
    "Rouge",
    "Spearman",
    "TagAccuracy",
    "TokenAccuracy",
    "answer",
    "answer_rows",
    "at_once",
    "baselines",
    "baselines_cost",
    "comparable",
    "compare",
    "confusion",
    "difference",
    "differences",
    "gained_from_plain",
    "keep",
    "kept",
    "least_provable",
    "mistakes",
    "natural",
    "of_replies",
    "plain",
    "predicted",
    "refuse_without_extra",
    "replied",
    "same_rows",
    "score",
    "scored",
    "spelled",
    "steps_at_once",
    "told",
    "tolerance",
    "watched",
]
