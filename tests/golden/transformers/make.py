"""Golden folders of transformers: small models with drawn weights, their tokenizers, and what they say. Run by hand where it is
installed, never by a test:

    python -m venv hf && hf/bin/pip install torch==2.13.0 transformers==5.23.0
    hf/bin/python tests/golden/transformers/make.py

Each folder is as transformers saved it, gpt2 in shards, bert with what sentence-transformers puts beside it. Each .npz holds
tokens, mask (true where real, padding on the right) and what the model says: logits (N, A) of a decoder, states (N, D) of an
encoder and the vectors of TEXTS, N being the real steps of all rows; of labels of a text logits (3, C). ids are those of
TEXTS, one after the other.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import tokenizers
import torch
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
)

HERE = Path(__file__).parent
LONGEST = 12
TEXTS = ["the king comes at night", "The night is long, and the day?", "吾王 é 🙂", "king"]


def byte_pairs() -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=270, initial_alphabet=letters, special_tokens=["<|endoftext|>"], show_progress=False
    )
    made.train_from_iterator(TEXTS * 3, trainer)
    return made


def sentence_pieces() -> tokenizers.Tokenizer:
    """As Llama's first: every text after <s>, spaces as signs, unknown signs as bytes."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}
    merges = [("▁", "k"), ("▁", "t"), ("h", "e"), ("▁t", "he"), ("n", "i"), ("g", "h")]
    for piece in [*"▁abcdefghijklmnopqrstuvwxyz", *("".join(pair) for pair in merges)]:
        vocabulary[piece] = len(vocabulary)
    made = tokenizers.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def word_pieces() -> tokenizers.Tokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "king", "come", "##s", "at", "night", "is", *",?[]"]
    made = tokenizers.Tokenizer(models.WordPiece({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    made.add_special_tokens(words[:5])
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor, made.decoder = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)), decoders.WordPiece()
    return made


def keep(name: str, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, **how: object) -> None:
    """Weights are drawn, biases and norms too: zeros and ones would hide what they do."""
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=chance) + (1 if weight.ndim == 1 else 0))
    mask = torch.arange(6) < torch.tensor([6, 1, 4])[:, None]
    lowest = 5 if "roberta" in name else 0  # RoBERTa counts places by which numbers are those of padding
    tokens = torch.randint(lowest, model.config.vocab_size, (3, 6), generator=chance)
    model.eval()
    with torch.no_grad():
        said = model(input_ids=tokens, attention_mask=mask.long())
        name_of, whole = ("logits", said.logits) if "logits" in said else ("states", said.last_hidden_state)
        found = {name_of: whole[mask] if whole.ndim == 3 else whole}
        found |= {} if "logits" in said else vectors(model, tokenizer)
    ids = np.concatenate([tokenizer(text)["input_ids"] for text in TEXTS])
    shutil.rmtree(HERE / name, ignore_errors=True)
    model.save_pretrained(HERE / name, **how)
    tokenizer.save_pretrained(HERE / name)
    arrays = {"tokens": tokens, "mask": mask, **found}
    np.savez_compressed(HERE / f"{name}.npz", ids=ids, **{key: value.numpy() for key, value in arrays.items()})


def vectors(model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    """The mean over the steps of each text, cut at 8 tokens, brought to length 1."""
    found = []
    for text in TEXTS:
        read = tokenizer([text], truncation=True, max_length=8, return_tensors="pt")
        found.append(model(**read).last_hidden_state.mean(1))
    return {"vectors": torch.nn.functional.normalize(torch.cat(found), dim=1)}


def sentence_transformer(folder: Path, width: int) -> None:
    """What that library saves beside a model."""
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    told = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(modules)
    ]
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    for name, facts in (
        ("modules.json", told),
        ("1_Pooling/config.json", pooling),
        ("sentence_bert_config.json", {"max_seq_length": 8, "do_lower_case": False}),
    ):
        (folder / name).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    card = "---\nlicense: apache-2.0\nbase_model:\n- ants/bee-tiny\n---\n# A model\n"
    (folder / "README.md").write_text(card, encoding="utf-8")


def main() -> None:
    plain = {"attn_implementation": "eager", "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    size = {"max_position_embeddings": LONGEST, "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 16}
    theirs = word_pieces()
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    bert = BertConfig(**size, vocab_size=theirs.get_vocab_size(), intermediate_size=24, **{**plain, "pad_token_id": 0})
    keep("bert", BertModel(bert, add_pooling_layer=True), PreTrainedTokenizerFast(tokenizer_object=theirs, **names))
    sentence_transformer(HERE / "bert", 16)
    theirs = byte_pairs()
    gpt2 = {"n_positions": LONGEST, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": 40}
    model = GPT2LMHeadModel(GPT2Config(**gpt2, vocab_size=theirs.get_vocab_size(), **{**plain, "eos_token_id": 0}))
    keep("gpt2", model, PreTrainedTokenizerFast(tokenizer_object=theirs, eos_token="<|endoftext|>"), max_shard_size="20KB")
    qwen = {"hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 12, "rms_norm_eps": 1e-4}
    qwen |= {"num_hidden_layers": 2, "max_position_embeddings": LONGEST, "vocab_size": theirs.get_vocab_size()}
    qwen |= {"rope_parameters": {"rope_type": "default", "rope_theta": 700.0}, "tie_word_embeddings": True}
    ends = {**plain, "eos_token_id": 0}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=theirs, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    keep("qwen2", Qwen2ForCausalLM(Qwen2Config(**qwen, **ends)), tokenizer)
    keep("qwen3", Qwen3ForCausalLM(Qwen3Config(**qwen, head_dim=6, **ends)), tokenizer)
    theirs = sentence_pieces()
    llama = {"intermediate_size": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-4, "tie_word_embeddings": False}
    turns = {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}
    rows = {"vocab_size": theirs.get_vocab_size() + 3}
    model = LlamaForCausalLM(LlamaConfig(**size, **rows, **llama, **turns, **{**plain, "bos_token_id": 1, "eos_token_id": 2}))
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    keep("llama", model, PreTrainedTokenizerFast(tokenizer_object=theirs, **names))
    stretched()
    heads()


def heads() -> None:
    """What stands on an encoder: labels of a text, tags of words, hidden tokens; BERT's, RoBERTa's, DistilBERT's."""
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    pieces = PreTrainedTokenizerFast(tokenizer_object=word_pieces(), **names)
    plain = {"attn_implementation": "eager", "bos_token_id": None, "eos_token_id": None}
    size = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 16, "intermediate_size": 24, **plain}
    labels = {"id2label": {0: "sad", 1: "glad", 2: "None"}, "label2id": {"sad": 0, "glad": 1, "None": 2}}
    tags = dict(enumerate(["B-PER", "O", "I-PER"]))
    tagged = {"id2label": tags, "label2id": {name: place for place, name in tags.items()}}
    alphabet = {"vocab_size": len(pieces), "max_position_embeddings": LONGEST}
    bert = {**size, **alphabet, "pad_token_id": 0}
    keep("bert_labels", BertForSequenceClassification(BertConfig(**bert, **labels, hidden_act="gelu_new")), pieces)
    keep("bert_number", BertForSequenceClassification(BertConfig(**bert, num_labels=1)), pieces)
    keep("bert_tags", BertForTokenClassification(BertConfig(**bert, **tagged)), pieces)
    keep("bert_hidden", BertForMaskedLM(BertConfig(**bert)), pieces)
    small = {"n_layers": 2, "n_heads": 4, "dim": 16, "hidden_dim": 24, "attn_implementation": "eager", **alphabet}
    keep("distilbert_labels", DistilBertForSequenceClassification(DistilBertConfig(**small, **labels)), pieces)
    keep("distilbert_tags", DistilBertForTokenClassification(DistilBertConfig(**small, **tagged, activation="relu")), pieces)
    keep("distilbert_hidden", DistilBertForMaskedLM(DistilBertConfig(**small)), pieces)
    pairs = PreTrainedTokenizerFast(tokenizer_object=pairs_between(), bos_token="<s>", cls_token="<s>", pad_token="<pad>",
                                    eos_token="</s>", sep_token="</s>", unk_token="<unk>", mask_token="<mask>")  # fmt: skip
    roberta = {**size, "vocab_size": len(pairs), "max_position_embeddings": LONGEST + 2, "type_vocab_size": 1}
    roberta |= {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "layer_norm_eps": 1e-5}
    keep("roberta_labels", RobertaForSequenceClassification(RobertaConfig(**roberta, **labels)), pairs)
    keep("roberta_tags", RobertaForTokenClassification(RobertaConfig(**roberta, **tagged)), pairs)
    keep("roberta_hidden", RobertaForMaskedLM(RobertaConfig(**roberta)), pairs)


def pairs_between() -> tokenizers.Tokenizer:
    """As RoBERTa's: byte pairs, every text between <s> and </s>, a word at the start as one after a space."""
    made = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel()
    controls = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=275, initial_alphabet=letters, special_tokens=controls, show_progress=False)
    made.train_from_iterator(TEXTS * 3, trainer)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    return made


def stretched() -> None:
    """Rotary positions as Llama 3.1 stretches them, some turns kept, some mixed, some divided; and all of them divided."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_pairs(), eos_token="<|endoftext|>")
    size = {"hidden_size": 8, "num_attention_heads": 2, "head_dim": 8, "intermediate_size": 12, "num_hidden_layers": 2}
    size |= {"max_position_embeddings": LONGEST, "vocab_size": 270, "tie_word_embeddings": True, "bos_token_id": None}
    often = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    for name, how in (
        ("llama3", {"rope_type": "llama3", "factor": 8.0, **often}),
        ("linear", {"rope_type": "linear", "factor": 3.0}),
        ("yarn", {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}),
        ("yarn_louder", {"rope_type": "yarn", "factor": 3.0, "original_max_position_embeddings": 128, "beta_fast": 8.0,
                         "beta_slow": 2.0, "attention_factor": 1.5}),
    ):
        turns = {"rope_parameters": {**how, "rope_theta": 500.0}, "attn_implementation": "eager", "eos_token_id": 0}
        keep(name, LlamaForCausalLM(LlamaConfig(**size, **turns)), tokenizer)


if __name__ == "__main__":
    main()
