"""The encoder's forward pass on ONNX Runtime: what a query takes, and what indexes on a CPU.

The graph is written once for a shape of model and kept in the user's cache folder under the hash of all it depends on;
the weights are mapped from the model's own file.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from loresmith.errors import MissingExtraError
from loresmith.files import replacing
from loresmith.values import content_hash
from loresmith_plugins.embedders.minilm.graph import (
    MAKE,
    POSITIONS,
    STATES,
    TOKENS,
    WEIGHTS,
    Tensors,
    positions,
    write_graph,
)

SLOWER = ["SkipLayerNormFusion"]
"""What ONNX Runtime would do to the graph and better does not: addition and norm fused take three times as long."""


class OnnxPass:
    """The model's last hidden states, computed by ONNX Runtime.

    One batch is shared among all cores; of many each keeps to one, for threads that share a batch wait for each other
    after every layer. The texts of a batch have one length.

    Args:
        path: The model's folder.

    Raises:
        MissingExtraError: If onnxruntime is not installed, or the graph is not written yet and onnx is missing.
        Unwritable: If the model is of a kind that the graph cannot express.
        ModelRefused: If the file of the weights is not whole.
    """

    tokens_a_batch = 512
    """Budget of a batch: what a layer leaves behind then still fits the processor's cache."""
    pads = False
    """Whether a batch may hold texts of several lengths."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        self._graph = kept_graph(path, self._config)
        self._on_all = self._session(self.at_once)

    @property
    def at_once(self) -> int:
        """Batches to compute at a time, each from a thread of its own: as many as torch would take threads."""
        threads = os.environ.get("OMP_NUM_THREADS", "")
        return max(1, int(threads) if threads.isdecimal() else _cores())

    def __call__(self, tokens: Any) -> Any:
        """Return the states, float32 of shape (texts, length, dimension); tokens are int64 of shape (texts, length)."""
        return self._run(self._on_all, tokens)

    def beside(self, tokens: Any) -> Any:
        """Return the same, computed on one core, while other threads compute other batches."""
        return self._run(self._on_one, tokens)

    @cached_property
    def _on_one(self) -> Any:
        return self._session(1)

    def _run(self, session: Any, tokens: Any) -> Any:
        return session.run([STATES], {TOKENS: tokens, POSITIONS: positions(self._config, *tokens.shape)})[0]

    def _session(self, threads: int) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnxruntime", "rag") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that spin after a run would take the time of whatever else this process computes.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        place = str(self._path.resolve())
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", place)
        return onnxruntime.InferenceSession(
            self._graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWER
        )


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kept_graph(path: Path, config: dict[str, Any]) -> bytes:
    """Return the model's graph, written if it is not kept yet; where nothing can be kept it is written every time.

    Raises:
        MissingExtraError, Unwritable: As `OnnxPass`.
    """
    from platformdirs import user_cache_path

    tensors = Tensors.read(path / WEIGHTS)
    shape = json.dumps([MAKE, config, tensors.begin, dict(tensors.entries)], sort_keys=True)
    kept = user_cache_path("loresmith") / "graphs" / f"{content_hash(shape)[:32]}.onnx"
    with suppress(OSError):
        return kept.read_bytes()
    try:
        graph = write_graph(config, tensors)
    except ImportError as error:
        raise MissingExtraError("onnx", "rag") from error
    with suppress(OSError), replacing(kept) as temporary:
        temporary.write_bytes(graph)
    return graph
