"""A GPT-2 of this shape as transformers.Trainer trains it; needs transformers and accelerate."""

from __future__ import annotations

import tempfile

import torch
from passages import BETAS, CLIP, DECAY, RATE, SIZES, Clock, arguments, passages
from torch.utils.data import Dataset, SequentialSampler
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments, set_seed


class Rows(Dataset):
    """GPT-2 in transformers shifts its labels by itself."""

    def __init__(self, tokens: torch.Tensor) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.tokens[place], "labels": self.tokens[place]}


class InOrder(Trainer):
    def _get_train_sampler(self, *_: object) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)


class Told(TrainerCallback):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_log(self, args, state, control, logs=None, **rest: object) -> None:
        if logs and "loss" in logs:
            self.clock.step(float(logs["loss"]))


if __name__ == "__main__":
    asked = arguments()
    size = SIZES[asked.size]
    found, alphabet = passages(asked.text, size, asked.steps)
    set_seed(0)
    config = GPT2Config(
        vocab_size=alphabet, n_positions=size.window + 1, n_embd=size.width, n_layer=size.depth, n_head=size.heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, use_cache=False,
    )  # fmt: skip
    clock = Clock(size)
    with tempfile.TemporaryDirectory() as folder:
        orders = TrainingArguments(
            folder, per_device_train_batch_size=size.batch, max_steps=asked.steps, learning_rate=RATE, weight_decay=DECAY,
            adam_beta1=BETAS[0], adam_beta2=BETAS[1], max_grad_norm=CLIP, lr_scheduler_type="constant", use_cpu=True,
            bf16=asked.dtype == "bfloat16", torch_compile=asked.compiled, optim="adamw_torch_fused", report_to=[],
            save_strategy="no", logging_steps=1, disable_tqdm=True,
        )  # fmt: skip
        rows = Rows(torch.from_numpy(found).flatten(0, 1))
        InOrder(GPT2LMHeadModel(config), orders, train_dataset=rows, callbacks=[Told(clock)]).train()
    clock.report()
