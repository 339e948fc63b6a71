"""Golden answers of transformers' T5 to small models with drawn weights. Run by hand where it is installed, never by a test:

    python -m venv hf && hf/bin/pip install torch==2.13.0 transformers==5.23.0
    hf/bin/python tests/golden/t5/make.py

Each folder is as transformers saved it, with a tokenizer in the manner of T5's. Each .npz holds inputs and before with their
masks (true where real, padding on the right), the weights under transformers' names, and logits (B, T, A); what it says under
padding means nothing.
"""

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

HERE = Path(__file__).parent
ALPHABET, LONGEST = 23, 30


def sentence_pieces() -> PreTrainedTokenizerFast:
    """Padding, the end of a text, unknown; then signs and two longer pieces."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((sign, -3.0) for sign in "▁abcdefghiklnorst"), ("▁the", -2.0)]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def keep(name: str, model: torch.nn.Module) -> None:
    """Weights are drawn, norms too: ones would hide what they do. Long enough that distances share a bucket."""
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=chance) + (1 if weight.ndim == 1 else 0))
    lengths = {"mask": [LONGEST, 1, 5, 20], "before_mask": [7, LONGEST, 1, 20]}
    batch = {key: torch.arange(LONGEST) < torch.tensor(real)[:, None] for key, real in lengths.items()}
    tokens = torch.randint(2, ALPHABET, (2, 4, LONGEST), generator=chance)
    batch |= {"inputs": tokens[0] * batch["mask"], "before": tokens[1] * batch["before_mask"]}
    asked = {"input_ids": batch["inputs"], "attention_mask": batch["mask"].long(), "decoder_input_ids": batch["before"]}
    with torch.no_grad():
        said = model.eval()(**asked).logits
    model.save_pretrained(HERE / name)
    sentence_pieces().save_pretrained(HERE / name)
    arrays = {**batch, "logits": said, **dict(model.named_parameters())}
    np.savez_compressed(HERE / f"{name}.npz", **{key: value.detach().numpy() for key, value in arrays.items()})


def main() -> None:
    t5 = {"vocab_size": ALPHABET, "d_model": 16, "d_kv": 6, "d_ff": 24, "num_heads": 4, "num_layers": 2}
    t5 |= {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20}
    t5 |= {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    t5 |= {"num_decoder_layers": 3, "dropout_rate": 0.0, "use_cache": False}
    keep("t5", T5ForConditionalGeneration(T5Config(**t5)))
    newer = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    model = T5ForConditionalGeneration(T5Config(**t5, **newer))
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())  # 5.23 ties it, the published weights do not
    keep("t5_1_1", model)
    file = HERE / "t5_1_1" / "config.json"
    told = json.loads(file.read_text(encoding="utf-8"))  # 5.23 writes that they are tied, the published files that they are not
    del told["scale_decoder_outputs"]
    file.write_text(json.dumps({**told, "tie_word_embeddings": False}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
