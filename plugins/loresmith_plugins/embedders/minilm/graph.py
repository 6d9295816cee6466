"""Writes an encoder as an ONNX graph that leaves the weights where they are: in model.safetensors.

The graph names each weight by its place in that file, so the conversion is some kilobytes, takes no copy of the
weights, and is the same for every model of that shape. Layers after Devlin et al., BERT (2019); post-norm:

    a = LN(x + Wₒ · attention(W_q x, W_k x, W_v x))        x' = LN(a + W₂ · act(W₁ a))
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.errors import ModelRefused

WEIGHTS = "model.safetensors"
TOKENS, POSITIONS, STATES = "tokens", "positions", "states"
"""Inputs, int64 of shape (texts, length), and the output, float32 of shape (texts, length, dimension).

All texts of a batch have one length: attention without a mask takes ONNX Runtime's faster path, and nothing is padded.
"""
MAKE = 2
"""Raise it when the graph is written differently: kept ones are then written anew."""

_OPSET, _MICROSOFT = 20, "com.microsoft"
_PREFIXES = ("", "bert.", "roberta.", "distilbert.", "model.")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family of models names its weights and settings.

    Args:
        layer: Prefix of a layer's weights, with `{}` for its number.
        parts: A layer's weights by what they do.
        settings: Keys of config.json: layers, heads, activation.
        typed: Whether a vector for the first of two sentences is added.
        counted: Whether positions are counted from behind the padding's id, as RoBERTa does.
    """

    layer: str
    parts: Mapping[str, str]
    settings: tuple[str, str, str]
    typed: bool = True
    counted: bool = False


_BERT_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mixed": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "last": "output.LayerNorm",
}
_DISTIL_PARTS = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "mixed": "attention.out_lin",
    "norm": "sa_layer_norm",
    "wide": "ffn.lin1",
    "narrow": "ffn.lin2",
    "last": "output_layer_norm",
}
_BERT_SETTINGS = ("num_hidden_layers", "num_attention_heads", "hidden_act")
_BERT = Layout("encoder.layer.{}.", _BERT_PARTS, _BERT_SETTINGS)
_ROBERTA = Layout("encoder.layer.{}.", _BERT_PARTS, _BERT_SETTINGS, counted=True)
_DISTIL = Layout("transformer.layer.{}.", _DISTIL_PARTS, ("n_layers", "n_heads", "activation"), typed=False)
LAYOUTS = {"bert": _BERT, "roberta": _ROBERTA, "xlm-roberta": _ROBERTA, "camembert": _ROBERTA, "distilbert": _DISTIL}
"""The families that can be written, by `model_type` of config.json."""

_ACTIVATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "gelu": ("Gelu", {}),
    "gelu_new": ("Gelu", {"approximate": "tanh"}),
    "gelu_pytorch_tanh": ("Gelu", {"approximate": "tanh"}),
    "relu": ("Relu", {}),
}


class Unwritable(Exception):
    """The model is of a kind that cannot be written as a graph here; the message says which."""


@dataclass(frozen=True, slots=True)
class Tensors:
    """The header of a safetensors file: each weight's type, shape and place."""

    entries: Mapping[str, Mapping[str, Any]]
    begin: int

    @classmethod
    def read(cls, path: Path) -> Tensors:
        """Read the header alone.

        Raises:
            ModelRefused: If the file is not whole.
        """
        there = path.stat().st_size
        try:
            with path.open("rb") as stream:
                (size,) = struct.unpack("<Q", stream.read(8))
                entries = json.loads(stream.read(min(size, there)))
            entries.pop("__metadata__", None)
            wanted = 8 + size + max(entry["data_offsets"][1] for entry in entries.values())
        except (struct.error, ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise ModelRefused(f'"{path}" is damaged: it has no list of weights', "Fetch the model again.") from error
        if there < wanted:
            raise ModelRefused(f'"{path}" is damaged: it has {there} bytes of {wanted}', "Fetch the model again.")
        return cls(entries, 8 + size)

    def prefix(self, name: str) -> str:
        """Return what stands before the names of the encoder's weights."""
        return next((prefix for prefix in _PREFIXES if prefix + name in self.entries), "")


def write_graph(config: Mapping[str, Any], tensors: Tensors) -> bytes:
    """Return the ONNX model.

    Args:
        config: What config.json says.
        tensors: Where the weights are.

    Raises:
        Unwritable: If the model's kind, or something in its settings, is not known here, or weights are missing.
    """
    layout = LAYOUTS.get(str(config.get("model_type")))
    if layout is None:
        raise Unwritable(f'its model_type is "{config.get("model_type")}"')
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise Unwritable("it has relative positions, or is a decoder")
    return _Graph(layout, config, tensors).model()


def positions(config: Mapping[str, Any], texts: int, length: int) -> Any:
    """Return the positions of tokens, int64 of shape (texts, length)."""
    import numpy as np

    first = 1 + int(config.get("pad_token_id") or 0) if LAYOUTS[str(config["model_type"])].counted else 0
    return np.broadcast_to(np.arange(first, first + length, dtype=np.int64), (texts, length))


class _Graph:
    """One graph in the making; each method adds nodes and returns the name of what they give."""

    def __init__(self, layout: Layout, config: Mapping[str, Any], tensors: Tensors) -> None:
        from onnx import TensorProto, helper

        self._types = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16, "BF16": TensorProto.BFLOAT16}
        self._proto, self._helper = TensorProto, helper
        self._layout, self._config, self._tensors = layout, config, tensors
        self._prefix = tensors.prefix("embeddings.word_embeddings.weight")
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}
        layers, heads, activation = (config.get(key) for key in layout.settings)
        if activation not in _ACTIVATIONS or not isinstance(layers, int) or not isinstance(heads, int):
            raise Unwritable(f'its activation is "{activation}"')
        self._layers, self._heads, self._activation = layers, heads, _ACTIVATIONS[activation]
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))

    def model(self) -> bytes:
        helper, proto = self._helper, self._proto
        states = self._embedded()
        for number in range(self._layers):
            states = self._layer(states, self._layout.layer.format(number))
        self._add("Identity", [states], name=STATES)
        shape = ["texts", "length"]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, proto.INT64, shape) for name in (TOKENS, POSITIONS)],
            [helper.make_tensor_value_info(STATES, proto.FLOAT, [*shape, None])],
            initializer=list(self._weights.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="loresmith")
        return bytes(made.SerializeToString())

    def _embedded(self) -> str:
        words = self._add("Gather", [self._weight("embeddings.word_embeddings.weight"), TOKENS])
        places = self._add("Gather", [self._weight("embeddings.position_embeddings.weight"), POSITIONS])
        total = self._add("Add", [words, places])
        if self._layout.typed:
            first = self._helper.make_tensor("first", self._proto.INT64, [], [0])
            self._weights["first"] = first
            kind = self._add("Gather", [self._weight("embeddings.token_type_embeddings.weight"), "first"])
            total = self._add("Add", [total, kind])
        return self._normal(total, "embeddings.LayerNorm")

    def _layer(self, states: str, layer: str) -> str:
        part = {name: layer + suffix for name, suffix in self._layout.parts.items()}
        three = [part[name] for name in ("query", "key", "value")]
        # Attention adds the biases while it turns the heads about, which spares a pass over each.
        biases = self._add("Concat", [self._weight(f"{name}.bias") for name in three], axis=0)
        turned = [self._times(states, name) for name in three]
        mixed = self._add("MultiHeadAttention", [*turned, biases], domain=_MICROSOFT, num_heads=self._heads)
        states = self._normal(self._add("Add", [self._linear(mixed, part["mixed"]), states]), part["norm"])
        kind, settings = self._activation
        wide = self._add(kind, [self._linear(states, part["wide"])], **settings)
        return self._normal(self._add("Add", [self._linear(wide, part["narrow"]), states]), part["last"])

    def _linear(self, states: str, name: str) -> str:
        return self._add("Add", [self._times(states, name), self._weight(f"{name}.bias")])

    def _times(self, states: str, name: str) -> str:
        turned = self._add("Transpose", [self._weight(f"{name}.weight")], perm=[1, 0])
        return self._add("MatMul", [states, turned])

    def _normal(self, states: str, name: str) -> str:
        weights = [self._weight(f"{name}.{part}") for part in ("weight", "bias")]
        return self._add("LayerNormalization", [states, *weights], axis=-1, epsilon=self._epsilon)

    def _weight(self, name: str) -> str:
        """Declare a weight by its place in the file; one that is not float32 is made so at the start."""
        entry = self._tensors.entries.get(self._prefix + name)
        if entry is None or entry["dtype"] not in self._types:
            raise Unwritable(f"its weights lack {name} as floating-point numbers")
        if name not in self._weights:
            begin, end = entry["data_offsets"]
            tensor = self._proto(name=name, data_type=self._types[entry["dtype"]], dims=entry["shape"])
            tensor.data_location = self._proto.EXTERNAL
            place = {"location": WEIGHTS, "offset": self._tensors.begin + begin, "length": end - begin}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            self._weights[name] = tensor
        return name if entry["dtype"] == "F32" else self._add("Cast", [name], to=self._proto.FLOAT)

    def _add(self, operator: str, inputs: list[str], *, name: str = "", domain: str = "", **settings: Any) -> str:
        name = name or f"v{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, inputs, [name], domain=domain, **settings))
        return name
