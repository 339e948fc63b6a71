"""A GPT of this shape as `litgpt pretrain` trains it: its model, its weights' start, Fabric and its loss; needs litgpt.

Its GPT-NeoX has rotary places where GPT-2 has learned ones; all else is the same shape."""

from __future__ import annotations

import lightning as L  # noqa: N812
import torch
from litgpt import GPT, Config
from litgpt.pretrain import initialize_weights
from litgpt.utils import chunked_cross_entropy
from passages import BETAS, CLIP, DECAY, RATE, SIZES, Clock, arguments, passages

if __name__ == "__main__":
    asked = arguments()
    size = SIZES[asked.size]
    found, alphabet = passages(asked.text, size, asked.steps)
    config = Config(
        name="gpt", block_size=size.window, n_layer=size.depth, n_embd=size.width, n_head=size.heads, vocab_size=alphabet,
        padded_vocab_size=alphabet, rotary_percentage=1.0, parallel_residual=False, bias=True, attn_bias=True,
        gelu_approximate="tanh", mlp_class_name="GptNeoxMLP", norm_class_name="LayerNorm",
    )  # fmt: skip
    fabric = L.Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if asked.dtype == "bfloat16" else "32-true")
    fabric.seed_everything(0, verbose=False)
    with fabric.init_module(empty_init=True):
        model = GPT(config)
    initialize_weights(fabric, model, n_layer=size.depth, n_embd=size.width)
    model.transformer.wte.weight = model.lm_head.weight
    model = fabric.setup(torch.compile(model) if asked.compiled else model)
    adam = fabric.setup_optimizers(torch.optim.AdamW(model.parameters(), RATE, BETAS, weight_decay=DECAY))
    clock = Clock(size)
    for batch in torch.from_numpy(found):
        loss = chunked_cross_entropy(model(batch[:, :-1].contiguous()), batch[:, 1:].contiguous())
        fabric.backward(loss)
        fabric.clip_gradients(model, adam, max_norm=CLIP)
        adam.step()
        adam.zero_grad()
        clock.step(loss.item())
    clock.report()
