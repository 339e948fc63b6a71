"""cifar10_cnn in Keras: 32-32-pool-64-64-pool-256-10, pictures standardised by channel, no dropout, no augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import rows

from peers.keras_fit import fit, options


def build() -> Any:
    import keras

    layers = keras.layers
    stages = [
        layer
        for width in (32, 64)
        for layer in (*(layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(2)), layers.MaxPooling2D())
    ]
    head = [layers.Flatten(), layers.Dense(256, "relu"), layers.Dense(10, "softmax", dtype="float32")]
    return keras.Sequential([keras.Input((32, 32, 3)), *stages, *head])


if __name__ == "__main__":
    asked = options(jit="auto", together="1", policy="mixed_bfloat16")
    parts = {
        name: (np.ascontiguousarray(x.transpose(0, 2, 3, 1), np.float32), y)
        for name, (x, y) in rows("cifar10_cnn", asked.data, asked.scale).items()
    }
    mean, spread = (measure(parts["train"][0], axis=(0, 1, 2)) for measure in (np.mean, np.std))
    parts = {name: ((x - mean) / spread, y) for name, (x, y) in parts.items()}
    fit(asked, build, "sparse_categorical_crossentropy", 0.001, parts, epochs=2, batch=64)
