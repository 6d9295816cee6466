"""Models with random weights that are made in a second and need no download."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As in many real vocabularies, a line break and the letter behind it are one token, across the border of a turn.
MERGES = [("Ċ", letter) for letter in string.ascii_letters]


def write_chat_model(folder: Path, *, gain: float = 10.0, tied: bool = True, window: int = 512) -> Path:
    """Write a Llama of two layers with a byte-level tokenizer and a ChatML template.

    Args:
        folder: Where it goes.
        gain: The layers' weights are times this; as small as training starts with, every reply repeats one token.
        tied: Whether the embedding is the head too.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    size = _write_byte_tokenizer(folder, window)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        tie_word_embeddings=tied,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,  # its row is zero: the end of turn could not be learnt in it
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "proj" in name:
                weight *= 10
        model.model.norm.weight *= 30
    model.save_pretrained(folder)
    return folder


def write_adapter(folder: Path, base: Path, seed: int, **changes: Any) -> Path:
    """Write an adapter for `base` that does something: random weights in its halves and in what goes with them.

    Args:
        folder: Where it goes.
        base: Folder of the model.
        seed: Seed of the weights.
        changes: Settings of the adapter to give otherwise.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from loresmith_plugins.engines.transformers.load import old_names_allowed

    torch.manual_seed(seed)
    settings: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "init_lora_weights": False}
    config = LoraConfig(task_type="CAUSAL_LM", **settings | changes)
    with old_names_allowed():
        model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "magnitude" in name or "modules_to_save" in name:
                weight *= 1 + torch.rand_like(weight)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def _write_byte_tokenizer(folder: Path, window: int) -> int:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*CONTROL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, MERGES)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in CONTROL])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": window,
        "chat_template": CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return len(tokens)


def write_encoder(folder: Path) -> Path:
    """Write a BERT of one layer, in the sentence-transformers layout, that splits texts into characters."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    torch.manual_seed(7)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *map(chr, range(33, 127))]
    tokens += [f"##{chr(code)}" for code in range(33, 127)]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
