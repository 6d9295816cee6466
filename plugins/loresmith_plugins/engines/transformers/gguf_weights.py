"""Turns a GGUF file of the llama family into what transformers loads: safetensors, config and tokenizer.

Read with the `gguf` library alone: no model is built, so it takes seconds and no more memory than the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.files import write_json, write_text
from loresmith.specs import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYER_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OTHER_PARTS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
CONTROL_TOKEN = 3
"""What GGUF calls a token that is never text."""


def convert_llama(gguf_file: Path, folder: Path, progress: Progress) -> None:
    """Write the model in `gguf_file` to `folder`, in float32.

    Raises:
        ValueError: If the file is not of the llama family.
    """
    from gguf import GGUFReader

    reader = GGUFReader(gguf_file)
    fields = {name: reader.fields[name] for name in reader.fields}
    family = str(fields["general.architecture"].contents())
    if family != "llama":
        raise ValueError(f'"{gguf_file.name}" holds a model of the family "{family}", not llama')
    config = _config({name: field.contents() for name, field in fields.items() if name.startswith("llama.")}, fields)
    _write_weights(reader.tensors, config, folder, progress)
    write_json(folder / "config.json", config)
    write_json(
        folder / "generation_config.json",
        {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")},
    )
    _write_tokenizer(fields, config, folder)


def _config(shape: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    heads = int(shape["llama.attention.head_count"])
    hidden = int(shape["llama.embedding_length"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_size": hidden,
        "intermediate_size": int(shape["llama.feed_forward_length"]),
        "num_hidden_layers": int(shape["llama.block_count"]),
        "num_attention_heads": heads,
        "num_key_value_heads": int(shape["llama.attention.head_count_kv"]),
        "head_dim": hidden // heads,
        "hidden_act": "silu",
        "max_position_embeddings": int(shape["llama.context_length"]),
        "rms_norm_eps": round(float(shape["llama.attention.layer_norm_rms_epsilon"]), 12),
        "rope_theta": float(shape["llama.rope.freq_base"]),
        "vocab_size": len(fields["tokenizer.ggml.tokens"].data),
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": int(fields["tokenizer.ggml.bos_token_id"].contents()),
        "eos_token_id": int(fields["tokenizer.ggml.eos_token_id"].contents()),
        "pad_token_id": int(fields["tokenizer.ggml.padding_token_id"].contents()),
    }


def _write_weights(tensors: Any, config: dict[str, Any], folder: Path, progress: Progress) -> None:
    import numpy as np
    from gguf.quants import dequantize
    from safetensors.numpy import save_file

    weights: dict[str, NDArray[np.float32]] = {}
    for done, tensor in enumerate(tensors):
        progress(done, len(tensors))
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if ".attn_q." in tensor.name:
            weight = _rotary_halves(weight, config["num_attention_heads"])
        if ".attn_k." in tensor.name:
            weight = _rotary_halves(weight, config["num_key_value_heads"])
        weights[_weight_name(tensor.name)] = np.ascontiguousarray(weight)
    config["tie_word_embeddings"] = "lm_head.weight" not in weights
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    progress(len(tensors), len(tensors))


def _weight_name(name: str) -> str:
    part, _, suffix = name.rpartition(".")
    if part.startswith("blk."):
        _, layer, inner = part.split(".", 2)
        return f"model.layers.{layer}.{LAYER_PARTS[inner]}.{suffix}"
    return f"{OTHER_PARTS[part]}.{suffix}"


def _rotary_halves(weight: NDArray[Any], heads: int) -> NDArray[Any]:
    """Order the rows of a projection, shape (heads · d, hidden), for a rotary embedding that pairs i with i + d/2.

    GGUF pairs neighbours, 2i with 2i + 1.
    """
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _write_tokenizer(fields: dict[str, Any], config: dict[str, Any], folder: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"].contents()]
    kinds = fields["tokenizer.ggml.token_type"].contents()
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    # The family "smollm" reads numbers digit by digit, before anything else is cut: "\n\n24" is "\n\n", "2", "4".
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[config["bos_token_id"]],
        "eos_token": tokens[config["eos_token_id"]],
        "pad_token": tokens[config["pad_token_id"]],
        "unk_token": tokens[int(fields["tokenizer.ggml.unknown_token_id"].contents())],
        "model_max_length": config["max_position_embeddings"],
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", settings)
    write_text(folder / "chat_template.jinja", fields["tokenizer.chat_template"].contents())
