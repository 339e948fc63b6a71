"""sentiment_lstm in Keras: the 10,000 most frequent words, 200 of a review, embedding 16, LSTM 32, one sigmoid.

Short reviews are padded in front, as Keras' own example does, so that no mask is needed, which would make it slower.
"""

from __future__ import annotations

from typing import Any

from rows import rows

from peers.keras_fit import fit, options


def build() -> Any:
    import keras

    layers = keras.layers
    network = [layers.Embedding(10_000, 16), layers.Dropout(0.2), layers.LSTM(32), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input((200,), dtype="int32"), *network, layers.Dense(1, "sigmoid", dtype="float32")])


def encode(parts: Any) -> Any:
    import keras

    words = keras.layers.TextVectorization(10_000, output_sequence_length=200)
    words.adapt(list(parts["train"][0]), batch_size=1024)
    encoded = {}
    for name, (texts, labels) in parts.items():
        numbers = [row[row > 0] for row in words(list(texts)).numpy()]
        encoded[name] = (keras.utils.pad_sequences(numbers, 200), labels)
    return encoded


if __name__ == "__main__":
    asked = options(jit="no", together="32", policy="float32")
    parts = encode(rows("sentiment_lstm", asked.data, asked.scale))
    fit(asked, build, "binary_crossentropy", 0.002, parts, epochs=3, batch=32)
