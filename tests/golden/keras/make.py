"""Golden answers of Keras to small networks with drawn weights. Run by hand where Keras is installed, never by a test:

    python -m venv keras && keras/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1
    keras/bin/python tests/golden/keras/make.py

Each .npz holds inputs, labels, Keras' weights in its own order and form (weight_00, ...), its logits and its loss.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, losses

HERE = Path(__file__).parent
ROWS = 6
MEAN, SPREAD = (120.0, 110.0, 100.0), (60.0, 55.0, 65.0)


def keep(name: str, model: keras.Model, inputs: np.ndarray, labels: np.ndarray, loss: losses.Loss) -> None:
    """Weights are drawn, biases too: zeros would hide what they do."""
    chance = np.random.default_rng(0)
    drawn = [(weight.shape, 1.5 / np.sqrt(np.prod(weight.shape[:-1]) or 1)) for weight in model.get_weights()]
    weights = [chance.normal(0, min(spread, 0.5), shape).astype(np.float32) for shape, spread in drawn]
    model.set_weights(weights)
    logits = np.asarray(model(inputs, training=False))
    named = {f"weight_{n:02}": weight for n, weight in enumerate(weights)}
    found = np.float64(loss(labels.reshape(-1, 1) if logits.shape[1] == 1 else labels, logits))
    np.savez_compressed(HERE / f"{name}.npz", inputs=inputs, labels=labels, logits=logits, loss=found, **named)


def tokens() -> np.ndarray:
    """int64 (B, 9): 0 is padding, on the right, in every row but one."""
    chance = np.random.default_rng(1)
    steps = chance.integers(1, 20, (ROWS, 9))
    return steps * (np.arange(9) < np.array([9, 1, 5, 3, 7, 8])[:, None])


def main() -> None:
    chance = np.random.default_rng(2)
    three, two = np.arange(ROWS) % 3, np.arange(ROWS) % 2
    numbers = chance.normal(size=(ROWS, 5)).astype(np.float32)
    pictures = chance.integers(0, 256, (ROWS, 12, 8, 3)).astype(np.uint8)
    softmax = losses.SparseCategoricalCrossentropy(from_logits=True)
    sigmoid = losses.BinaryCrossentropy(from_logits=True)

    dense = [layers.Input((5,)), layers.Dense(7, activation="relu"), layers.Dense(6, activation="relu"), layers.Dense(3)]
    keep("dense", keras.Sequential(dense), numbers, three, softmax)

    number = [layers.Input((5,)), layers.Dense(7, activation="tanh"), layers.Dense(1)]
    keep("number", keras.Sequential(number), numbers, chance.normal(size=ROWS).astype(np.float32), losses.MeanSquaredError())

    convolution = [
        layers.Input((12, 8, 3)),
        layers.Normalization(mean=MEAN, variance=[spread**2 for spread in SPREAD]),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dense(3),
    ]
    keep("convolution", keras.Sequential(convolution), pictures, three, softmax)

    for name, layer in {
        "simple_rnn": layers.SimpleRNN(6),
        "lstm": layers.LSTM(6),
        "gru": layers.GRU(6, reset_after=True),
        "lstm_both_ways": layers.Bidirectional(layers.LSTM(6)),
    }.items():
        recurrent = [layers.Input((9,)), layers.Embedding(20, 4, mask_zero=True), layer, layers.Dense(1)]
        keep(name, keras.Sequential(recurrent), tokens(), two, sigmoid)


if __name__ == "__main__":
    main()
