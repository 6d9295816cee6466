"""Embedding models and cross-encoders with random weights, made in code, as sentence-transformers saves them."""

from __future__ import annotations

import json
import string
from pathlib import Path

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "dog", "dogs", "ferry", "boat", "fare", "ticket", "harbour", "may", "on", "deck", "child", "refund"]
STEPS = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}


def tiny_embedder(folder: Path, *, seed: int = 0, window: int = 32, pooling: str = "mean", dimension: int = 16) -> Path:
    """Write a BERT of two layers with its tokenizer and settings; return its folder."""
    vocabulary = _vocabulary()
    _write_weights(folder, len(vocabulary), dimension, seed)
    _write_tokenizer(folder, vocabulary)
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{step}"}
        for n, (path, step) in enumerate(STEPS.items())
    ]
    modes = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("mean_tokens", "cls_token", "max_tokens")}
    _write(folder / "modules.json", modules)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": window, "do_lower_case": False})
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dimension, **modes})
    return folder


def tiny_cross_encoder(folder: Path, *, labels: int = 1, headless: bool = False) -> Path:
    """Write a BERT of two layers that scores pairs of texts; `headless` leaves its head out. Return its folder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    vocabulary = _vocabulary()
    torch.manual_seed(labels)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=labels,
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for weights in (model.bert.embeddings.word_embeddings.weight, model.classifier.weight):
            weights.normal_(0, 1)
    (model.bert if headless else model).save_pretrained(folder)
    _write_tokenizer(folder, vocabulary)
    return folder


def _write_weights(folder: Path, vocabulary: int, dimension: int, seed: int) -> None:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=dimension,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * dimension,
        max_position_embeddings=64,
    )
    model = BertModel(config)
    # With weights as small as training starts with, all texts would have nearly the same vector.
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.normal_(0, 1)
    model.save_pretrained(folder)


def _vocabulary() -> dict[str, int]:
    characters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*SPECIAL, *WORDS, *characters, *(f"##{character}" for character in characters)]
    return {token: number for number, token in enumerate(tokens)}


def _write_tokenizer(folder: Path, vocabulary: dict[str, int]) -> None:
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    # As in real folders, what the file says of length and padding is not what the encoder wants.
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = ("pad", "unk", "cls", "sep", "mask")
    special = {f"{name}_token": token for name, token in zip(names, SPECIAL, strict=True)}
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, **special})


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
