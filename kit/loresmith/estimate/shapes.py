"""The shapes of a decoder's layers: from its config by arithmetic, or exactly, from the headers of its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from loresmith.errors import ModelRefused

_FOUR_NORMS = ("gemma2", "gemma3", "gemma3_text", "glm4", "olmo2")
_NORMED_QUERIES = ("qwen3", "gemma3", "gemma3_text", "olmo2")
_PLAIN_FEED_FORWARD = ("phi", "gpt2", "gpt_neox", "opt", "starcoder2")
_TIED_BY_DEFAULT = ("gemma", "gemma2", "gemma3", "gemma3_text", "gpt2")


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer: its name inside a block, its weight's shape (outputs, inputs), and how often the model has it."""

    name: str
    outputs: int
    inputs: int
    count: int

    @property
    def parameters(self) -> int:
        """Weights in all its occurrences, without biases."""
        return self.outputs * self.inputs * self.count


@dataclass(frozen=True, slots=True)
class Shapes:
    """A decoder in numbers.

    Args:
        queries: Width of all query heads together.
        keys: Width of all key heads together; the values are as wide.
        feed_forward: Width between the two halves of the feed-forward part.
        gated: Whether the feed-forward part is gated (three linear layers) or plain (two).
        norms: Norms over the hidden width in a block.
        normed_queries: Whether queries and keys have norms of their own.
        linears: The linear layers of the blocks; neither embedding nor head.
        others: All other parameters: embedding, head where it is not tied, norms, biases.
        window: Longest input in tokens.
        exact: Whether the shapes were read from the weights.
    """

    hidden: int
    layers: int
    heads: int
    queries: int
    keys: int
    feed_forward: int
    vocabulary: int
    tied: bool
    gated: bool
    norms: int
    normed_queries: bool
    linears: tuple[Linear, ...]
    others: int
    window: int
    exact: bool = False

    @property
    def in_blocks(self) -> int:
        """Parameters of the linear layers of the blocks."""
        return sum(linear.parameters for linear in self.linears)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.in_blocks + self.others

    @property
    def embedding(self) -> int:
        """Parameters of the embedding."""
        return self.vocabulary * self.hidden

    def adapted(self, targets: Sequence[str] | None) -> tuple[Linear, ...]:
        """Return the linear layers that get adapters: all, or those whose name a target ends in."""
        if targets is None:
            return self.linears
        names = {target.rpartition(".")[2] for target in targets}
        return tuple(linear for linear in self.linears if linear.name in names)


def from_config(config: Mapping[str, Any], name: str) -> Shapes:
    """Return the shapes that a model's config.json stands for.

    Args:
        config: Its contents, in the keys of llama, qwen, mistral, gemma, phi or gpt2.
        name: The model, for messages.

    Raises:
        ModelRefused: If the config does not say how wide and how deep the model is.
    """
    text = config.get("text_config", config)
    kind = str(text.get("model_type", ""))
    hidden = _number(text, name, "hidden_size", "n_embd")
    layers = _number(text, name, "num_hidden_layers", "n_layer")
    heads = _number(text, name, "num_attention_heads", "n_head")
    head = int(text.get("head_dim") or hidden // heads)
    keys = int(text.get("num_key_value_heads") or heads) * head
    gated = kind not in _PLAIN_FEED_FORWARD
    feed_forward = int(text.get("intermediate_size") or text.get("n_inner") or 4 * hidden)
    shapes = Shapes(
        hidden=hidden,
        layers=layers,
        heads=heads,
        queries=heads * head,
        keys=keys,
        feed_forward=feed_forward,
        vocabulary=_number(text, name, "vocab_size"),
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", kind in _TIED_BY_DEFAULT))),
        gated=gated,
        norms=4 if kind in _FOUR_NORMS else 2,
        normed_queries=kind in _NORMED_QUERIES,
        linears=(),
        others=0,
        window=int(text.get("max_position_embeddings") or text.get("n_positions") or 2048),
    )
    biased = kind in ("qwen2", "phi") or bool(text.get("attention_bias"))
    linears = _linears(shapes, fused=kind == "phi3")
    return replace(shapes, linears=linears, others=_others(shapes, head, biased=biased))


def from_tensors(shapes: Shapes, tensors: Mapping[str, Sequence[int]]) -> Shapes:
    """Return `shapes` with the linear layers and the parameter count that the weights really have.

    Args:
        shapes: What the config stands for.
        tensors: Name to shape of every tensor of the weights.
    """
    names = (name.removesuffix(".weight") for name in tensors if name.endswith(".weight"))
    matrices = {name: tensors[f"{name}.weight"] for name in names if not _is_vocabulary(name)}
    counted = Counter((name.rpartition(".")[2], tuple(shape)) for name, shape in matrices.items() if len(shape) == 2)
    linears = tuple(Linear(name, shape[0], shape[1], count) for (name, shape), count in counted.items())
    total = sum(prod(shape) for name, shape in tensors.items() if not (shapes.tied and name.startswith("lm_head.")))
    in_blocks = sum(linear.parameters for linear in linears)
    return replace(shapes, linears=linears, others=total - in_blocks, exact=True)


def _is_vocabulary(name: str) -> bool:
    last = name.rpartition(".")[2]
    return "embed" in last or last in ("wte", "wpe", "lm_head")


def _linears(shapes: Shapes, *, fused: bool) -> tuple[Linear, ...]:
    hidden, queries, keys, wide = shapes.hidden, shapes.queries, shapes.keys, shapes.feed_forward
    if fused:
        table = [("qkv_proj", queries + 2 * keys, hidden), ("o_proj", hidden, queries)]
        table += [("gate_up_proj", 2 * wide, hidden), ("down_proj", hidden, wide)]
    else:
        table = [("q_proj", queries, hidden), ("k_proj", keys, hidden), ("v_proj", keys, hidden)]
        if shapes.gated:
            table += [("o_proj", hidden, queries), ("gate_proj", wide, hidden)]
            table += [("up_proj", wide, hidden), ("down_proj", hidden, wide)]
        else:
            table += [("dense", hidden, queries), ("fc1", wide, hidden), ("fc2", hidden, wide)]
    return tuple(Linear(*row, count=shapes.layers) for row in table)


def _others(shapes: Shapes, head: int, *, biased: bool) -> int:
    vocabulary = shapes.embedding * (1 if shapes.tied else 2)
    norms = shapes.hidden * (shapes.norms * shapes.layers + 1)
    small = 2 * head * shapes.layers if shapes.normed_queries else 0
    biases = (shapes.queries + 2 * shapes.keys) * shapes.layers if biased else 0
    return vocabulary + norms + small + biases


def _number(config: Mapping[str, Any], name: str, *keys: str) -> int:
    found = next((config[key] for key in keys if isinstance(config.get(key), int) and config[key] > 0), None)
    if found is None:
        raise ModelRefused(
            f'the config of "{name}" does not say its {keys[0]}, so its memory cannot be estimated',
            "Known are decoders with the keys of llama, qwen, mistral, gemma, phi and gpt2.",
        )
    return int(found)
