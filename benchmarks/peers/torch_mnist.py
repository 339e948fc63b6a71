"""mnist_mlp as the best hand-written torch loop: tensors in memory, shuffled by epoch, fused Adam, denormals flushed."""

from __future__ import annotations

import torch
from rows import rows
from torch import nn
from torch.nn.functional import cross_entropy

from peers.timing import arguments, report

EPOCHS, BATCH = 5, 32

if __name__ == "__main__":
    asked = arguments(threads=("1", "2"))
    torch.set_num_threads(int(asked.threads))
    torch.set_flush_denormal(True)
    parts = {
        name: (torch.from_numpy(x).float().flatten(1).div_(255), torch.from_numpy(y))
        for name, (x, y) in rows("mnist_mlp", asked.data, asked.scale).items()
    }
    model = nn.Sequential()

    def begin() -> None:
        global model
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))

    def fit() -> None:
        x, y = parts["train"]
        adam = torch.optim.Adam(model.parameters(), 0.001, fused=True)
        for _ in range(EPOCHS):
            order = torch.randperm(len(x))
            model.train()
            for inputs, labels in zip(x[order].split(BATCH), y[order].split(BATCH)):
                adam.zero_grad()
                cross_entropy(model(inputs), labels).backward()
                adam.step()
            accuracy("validation")

    @torch.no_grad()
    def accuracy(part: str = "test") -> float:
        model.eval()
        x, y = parts[part]
        return (model(x).argmax(1) == y).float().mean().item()

    report(begin, fit, accuracy, EPOCHS)
