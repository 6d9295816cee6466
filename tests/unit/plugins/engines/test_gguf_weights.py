"""A GGUF file becomes the very model it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith_plugins.engines.transformers.gguf_weights import convert_llama
from loresmith_plugins.engines.transformers.presets import PRESETS

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
TINY = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}


def vocabulary() -> list[str]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [*CONTROL, *bytes_to_unicode().values(), "ĊĊ", "re", "ar"]


def tiny_llama() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        **TINY,
        vocab_size=len(vocabulary()),
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1e5},
    )
    return LlamaForCausalLM(config).eval()


def neighbours(weight: Any, heads: int) -> Any:
    """Order the rows as GGUF does, whose rotary embedding pairs neighbours."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(model: Any, path: Path, architecture: str = "llama") -> None:
    from gguf import GGUFWriter, TokenType

    writer = GGUFWriter(path, architecture)
    writer.add_block_count(TINY["num_hidden_layers"])
    writer.add_context_length(TINY["max_position_embeddings"])
    writer.add_embedding_length(TINY["hidden_size"])
    writer.add_feed_forward_length(TINY["intermediate_size"])
    writer.add_head_count(TINY["num_attention_heads"])
    writer.add_head_count_kv(TINY["num_key_value_heads"])
    writer.add_rope_freq_base(1e5)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if token in CONTROL else TokenType.NORMAL for token in tokens])
    writer.add_token_merges(["Ċ Ċ", "r e", "a r"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    heads = {"q_proj": TINY["num_attention_heads"], "k_proj": TINY["num_key_value_heads"]}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        weight = tensor.numpy()
        part = name.split(".")[-2]
        writer.add_tensor(_gguf_name(name), neighbours(weight, heads[part]) if part in heads else weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_name(name: str) -> str:
    parts = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    name = name.removesuffix(".weight")
    if not name.startswith("model.layers."):
        return f"{parts[name]}.weight"
    _, _, layer, inner = name.split(".", 3)
    return f"blk.{layer}.{parts[inner]}.weight"


def test_the_converted_model_computes_the_same_and_its_tokenizer_reads_digit_by_digit(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = tiny_llama()
    write_gguf(model, tmp_path / "tiny.gguf")
    folder = tmp_path / "converted"
    folder.mkdir()
    seen: list[tuple[int, int]] = []
    convert_llama(tmp_path / "tiny.gguf", folder, lambda done, total: seen.append((done, total)))

    again = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([[5, 9, 40, 41, 7, 3, 88]])
    with torch.inference_mode():
        assert torch.allclose(model(ids).logits, again(ids).logits, atol=1e-5)
    assert again.config.tie_word_embeddings
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] > 0

    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "fares\n\n24 é"
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
    assert tokens == ["f", "a", "re", "s", "ĊĊ", "2", "4", "Ġ", "Ã", "©"]
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert rendered == "<|im_start|>user\nHi<|im_end|>\n"
    assert tokenizer(rendered)["input_ids"][0] == 1
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.model_max_length) == (2, 2, 64)


def test_another_family_is_refused(tmp_path: Path) -> None:
    write_gguf(tiny_llama(), tmp_path / "tiny.gguf", architecture="gemma")
    with pytest.raises(ValueError, match='of the family "gemma", not llama'):
        convert_llama(tmp_path / "tiny.gguf", tmp_path, lambda done, total: None)


def test_every_preset_is_pinned() -> None:
    for preset in PRESETS:
        assert "==" in preset.requirement
        assert len(preset.sha256) == 64


@pytest.mark.slow
def test_the_real_preset_answers(tmp_path: Path, real_cache: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from loresmith.modelstore.store import ModelStore

    folder = ModelStore(PRESETS, cache=real_cache).path("smollm2-135m")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    reply = model.generate(**asked, max_new_tokens=16, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert tokenizer.decode(reply) == "The capital of France is Paris.<|im_end|>"
