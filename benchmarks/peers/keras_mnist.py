"""mnist_mlp as everybody writes it in Keras: 784 -> 128 ReLU -> dropout 0.2 -> 10."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import rows

from peers.keras_fit import fit, options


def build() -> Any:
    import keras

    layers = keras.layers
    network = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dropout(0.2), layers.Dense(10, "softmax", dtype="float32")]
    return keras.Sequential([keras.Input((28, 28)), *network])


if __name__ == "__main__":
    asked = options(jit="auto", together="128", policy="float32")
    parts = {name: (x.astype(np.float32) / 255, y) for name, (x, y) in rows("mnist_mlp", asked.data, asked.scale).items()}
    fit(asked, build, "sparse_categorical_crossentropy", 0.001, parts, epochs=5, batch=32)
