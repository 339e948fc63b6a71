"""The recipe's section [evaluation]."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelwright.evaluation.metrics import Metric
from modelwright.nouns import Count


@dataclass(frozen=True)
class Evaluation:
    """How a trained model is judged."""

    metrics: tuple[Metric, ...] = ()
    """Empty is the natural ones: accuracy, F1 (macro) and log loss for classes; MAE, R2 and MSE for numbers;
    bits per byte and perplexity for texts without a label; entities found and words tagged rightly for tags;
    nDCG and recall among the first ten for vectors."""
    baselines: bool = True
    """Whether the majority (or the mean) and a linear model are judged beside it; of texts without a label uni- and bigrams."""
    batch: Count = 1024
    """Rows answered at a time."""
    elsewhere: Path | None = None
    """Rows with a column text that are nothing of the task: what the model has lost on them since its base."""
