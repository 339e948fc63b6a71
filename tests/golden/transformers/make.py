"""Golden answers of transformers to small models with drawn weights. Run by hand where it is installed, never by a test:

    python -m venv hf && hf/bin/pip install torch==2.13.0 transformers==5.23.0
    hf/bin/python tests/golden/transformers/make.py

Each .npz holds tokens, mask (true where real, padding on the right), the weights under transformers' names, and what it says:
logits (B, T, A) of a decoder, states (B, T, D) of an encoder; what it says under padding means nothing.
"""

from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent
ALPHABET, LONGEST = 23, 9


def keep(name: str, model: torch.nn.Module) -> None:
    """Weights are drawn, biases and norms too: zeros and ones would hide what they do."""
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=chance) + (1 if weight.ndim == 1 else 0))
    mask = torch.arange(LONGEST) < torch.tensor([LONGEST, 1, 5, 7])[:, None]
    tokens = torch.randint(2, ALPHABET, (4, LONGEST), generator=chance) * mask
    with torch.no_grad():
        said = model.eval()(input_ids=tokens, attention_mask=mask.long())
    found = {"logits": said.logits} if "logits" in said else {"states": said.last_hidden_state}
    arrays = {"tokens": tokens, "mask": mask, **found, **dict(model.named_parameters())}
    np.savez_compressed(HERE / f"{name}.npz", **{key: value.detach().numpy() for key, value in arrays.items()})


def main() -> None:
    plain = {"attn_implementation": "eager"}
    size = {"vocab_size": ALPHABET, "max_position_embeddings": 12, "num_hidden_layers": 2, "num_attention_heads": 4}
    keep("bert", BertModel(BertConfig(**size, hidden_size=16, intermediate_size=24, **plain), add_pooling_layer=False))
    gpt2 = {"vocab_size": ALPHABET, "n_positions": 12, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": 40}
    keep("gpt2", GPT2LMHeadModel(GPT2Config(**gpt2, **plain)))
    llama = {"hidden_size": 16, "intermediate_size": 24, "num_key_value_heads": 2, "rope_theta": 500.0, "rms_norm_eps": 1e-4}
    keep("llama", LlamaForCausalLM(LlamaConfig(**size, **llama, tie_word_embeddings=False, **plain)))


if __name__ == "__main__":
    main()
