"""MiniLM as transformers.Trainer fine-tunes it to tell two classes, texts of like length together: needs transformers."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.data import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)


class Rows(Dataset):
    def __init__(self, path: Path, tokenizer) -> None:
        told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = tokenizer([row["text"] for row in told], truncation=True, max_length=256)
        self.rows = [
            {"input_ids": tokens, "attention_mask": seen, "labels": int(row["label"])}
            for tokens, seen, row in zip(found["input_ids"], found["attention_mask"], told)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int):
        return self.rows[place]


if __name__ == "__main__":
    folder, _, source, dtype = sys.argv[1:]
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=2)
    train, test = (Rows(Path(folder) / f"{part}.jsonl", tokenizer) for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as place:
        orders = TrainingArguments(
            place, per_device_train_batch_size=32, per_device_eval_batch_size=32, num_train_epochs=1, learning_rate=1e-4,
            lr_scheduler_type="constant", use_cpu=True, bf16=dtype == "bfloat16", optim="adamw_torch_fused", report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, train_sampling_strategy="group_by_length",
        )  # fmt: skip
        trainer = Trainer(
            model, orders, train_dataset=train, eval_dataset=test, data_collator=DataCollatorWithPadding(tokenizer)
        )  # fmt: skip
        started, busy = time.perf_counter(), time.process_time()
        trainer.train()
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
        held = trainer.evaluate()["eval_loss"]
    facts = {
        "seconds": seconds, "busy": busy, "tokens": sum(len(row["input_ids"]) for row in train.rows), "held": held,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "threads": torch.get_num_threads(),
    }  # fmt: skip
    sys.stdout.write(json.dumps(facts) + "\n")
