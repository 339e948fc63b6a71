"""A small model of conversations as peft and transformers.Trainer fine-tune it, the assistant's words bearing loss."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
    set_seed,
)

LONGEST = 256


class Rows(Dataset):
    def __init__(self, path: Path, tokenizer) -> None:
        self.rows = []
        for line in path.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)["messages"]
            whole = tokenizer.apply_chat_template(said, return_dict=True)["input_ids"]
            asked = tokenizer.apply_chat_template(said[:-1], add_generation_prompt=True, return_dict=True)["input_ids"]
            end = len(whole) - whole[::-1].index(tokenizer.eos_token_id)  # what the template writes after it is no answer
            labels = [-100] * len(asked) + whole[len(asked) : end] + [-100] * (len(whole) - end)
            row = {"input_ids": whole, "attention_mask": [1] * len(whole), "labels": labels}
            self.rows.append({name: tokens[:LONGEST] for name, tokens in row.items()})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int):
        return self.rows[place]


if __name__ == "__main__":
    folder, _, source, dtype = sys.argv[1:]
    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    base = AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, dtype))
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    train, test = (Rows(Path(folder) / f"{part}.jsonl", tokenizer) for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as place:
        orders = TrainingArguments(
            place, per_device_train_batch_size=4, per_device_eval_batch_size=4, num_train_epochs=1, learning_rate=1e-3,
            lr_scheduler_type="constant", use_cpu=True, bf16=dtype == "bfloat16", optim="adamw_torch_fused", report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, train_sampling_strategy="group_by_length",
        )  # fmt: skip
        collator = DataCollatorForSeq2Seq(tokenizer, padding=True)
        trainer = Trainer(model, orders, train_dataset=train, eval_dataset=test, data_collator=collator)
        started, busy = time.perf_counter(), time.process_time()
        trainer.train()
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
        held = trainer.evaluate()["eval_loss"]
    facts = {
        "seconds": seconds, "busy": busy, "tokens": sum(len(row["input_ids"]) for row in train.rows), "held": held,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "threads": torch.get_num_threads(),
    }  # fmt: skip
    sys.stdout.write(json.dumps(facts) + "\n")
