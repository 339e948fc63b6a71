"""A config.json, field by field: read, known to change no answer, or refused by its name. Nothing is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.nouns import Refused
from modelwright.wording import say

IDLE = frozenset({
    "_name_or_path", "architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_implementation",
    "attn_pdrop", "bos_token_id", "classifier_dropout", "dtype", "embd_pdrop", "eos_token_id", "gradient_checkpointing",
    "id2label", "initializer_factor", "initializer_range", "is_decoder_only", "label2id", "language", "mask_token_id",
    "model_type", "name_or_path", "num_labels", "pad_token_id", "pretraining_tp", "return_dict", "sep_token_id",
    "tokenizer_class", "torch_dtype", "transformers_version", "unk_token_id", "use_cache", "kernel_config",
    "transformers.js_config", "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups",
    "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "output_scores",
    "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
    "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "task_specific_params", "problem_type",
    "finetuning_task", "chunk_size_feed_forward", "max_window_layers", "n_ctx", "summary_activation", "summary_first_dropout",
    "summary_proj_to_labels", "summary_type", "summary_use_proj", "reorder_and_upcast_attn", "is_llama_config",
})  # fmt: skip
"""They tell of training, of generating, of other heads or of how fast a computation is, not of what it gives."""


LARGEST = 1 << 28
"""No model has more of anything that a config counts."""


class Fields:
    """What config.json says. Each field that is asked for counts as honoured; finish() refuses what is left."""

    def __init__(self, told: Mapping[str, Any], file: Path) -> None:
        self.told, self.file = told, file
        self.seen: set[str] = set()

    def number(self, name: str, otherwise: int | None = None) -> int:
        found = self._found(name, otherwise)
        if type(found) is not int or found < 1:
            raise self._wrong(name, found, say("a whole number from 1 is needed"))
        if found > LARGEST:
            raise self._wrong(name, found, say("no model has so many"))
        return found

    def fraction(self, name: str, otherwise: float) -> float:
        found = self._found(name, otherwise)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found < float("inf"):
            raise self._wrong(name, found, say("a number is needed"))
        return float(found)

    def one_of(self, name: str, otherwise: Any, *fits: Any) -> Any:
        """Refused: it is anything else than what fits here."""
        found = self._found(name, otherwise)
        if not any(found == fit and type(found) is type(fit) for fit in fits):
            raise self._wrong(name, found, say("only {fits} is read here", fits=", ".join(repr(fit) for fit in fits)))
        return found

    def raw(self, name: str) -> Any:
        """As it stands there; None where it does not."""
        return self._found(name, None) if name in self.told else None

    def refuse(self, name: str, problem: str) -> Refused:
        return self._wrong(name, self.told.get(name), problem)

    def finish(self) -> None:
        """Refused: a field that nobody here knows and that says something."""
        for name, found in self.told.items():
            if name in self.seen or name in IDLE or found in (None, False, {}, []) or name.startswith("_"):
                continue
            told = say("{file}: {name} = {found} is not known here and might change answers.", **self._facts(name, found))
            raise Refused(told, say("If you know that it does not, take the field out of the file and adopt it again."))

    def _found(self, name: str, otherwise: Any) -> Any:
        self.seen.add(name)
        found = self.told.get(name)
        found = otherwise if found is None else found
        if found is None and name not in self.told:
            raise Refused(say("{file} does not say {name}.", file=self.file, name=name))
        return found

    def _wrong(self, name: str, found: Any, problem: str) -> Refused:
        return Refused(say("{file}: {name} = {found}: {problem}.", **self._facts(name, found), problem=problem))

    def _facts(self, name: str, found: Any) -> dict[str, Any]:
        return {"file": self.file, "name": name, "found": str(found)[:80]}
