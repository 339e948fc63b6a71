"""model.fit of Keras 3 on TensorFlow over arrays in memory, with the settings its documentation gives for speed.

They are: several steps in one call (`steps_per_execution`), XLA or not (`jit_compile`), bfloat16 (`set_dtype_policy`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from peers.timing import arguments, report

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

Encoded = dict[str, tuple[np.ndarray, np.ndarray]]


def options(jit: str, together: str, policy: str) -> argparse.Namespace:
    """The words of the command line; what is given here is what was fastest for this work."""
    import keras

    def first(best: str, *others: str) -> tuple[str, ...]:
        return best, *(other for other in others if other != best)

    asked = arguments(
        jit=first(jit, "auto", "yes", "no"),
        together=first(together, "1", "8", "32", "128"),
        policy=first(policy, "float32", "mixed_bfloat16"),
    )
    keras.config.set_dtype_policy(asked.policy)
    return asked


def fit(
    asked: argparse.Namespace, build: Callable[[], Any], loss: str, rate: float, parts: Encoded, epochs: int, batch: int
) -> None:
    """Times it twice: the second time the same model, compiled already, from its first weights and moments."""
    import keras

    keras.utils.set_random_seed(0)
    model: Any = None
    first: list[Any] = []

    def begin() -> None:
        nonlocal model
        if model is None:
            model = build()
            jit = {"auto": "auto", "yes": True, "no": False}[asked.jit]
            together = int(asked.together)
            model.compile(
                keras.optimizers.Adam(rate), loss, metrics=["accuracy"], jit_compile=jit, steps_per_execution=together
            )
            model.optimizer.build(model.trainable_variables)
            first.extend(np.array(variable) for variable in model.variables + model.optimizer.variables)
        for variable, value in zip(model.variables + model.optimizer.variables, first):
            variable.assign(value)

    def learn() -> None:
        model.fit(*parts["train"], batch, epochs, verbose=0, validation_data=parts["validation"], validation_batch_size=1024)

    def accuracy() -> float:
        return float(model.evaluate(*parts["test"], 1024, verbose=0, return_dict=True)["accuracy"])

    report(begin, learn, accuracy, epochs)
