"""Engine `transformers`: any causal language model in safetensors, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import Engine, EngineSpec
from loresmith_plugins.engines.transformers.presets import PRESETS

if TYPE_CHECKING:
    Register = Callable[[EngineSpec], None]


class TransformersOptions(Options):
    """How the engine decodes: greedy, so that the same question gets the same answer, unless it is asked to draw."""

    max_tokens: int = Field(default=128, ge=1, le=8192, description="Longest reply, in tokens")
    batch_tokens: int = Field(
        default=32_768, ge=256, description="Tokens of prompts and replies kept in memory at once"
    )


def _build(options: TransformersOptions, base: Path) -> Engine:
    from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

    return TransformersChatModel.load(base, max_tokens=options.max_tokens, batch_tokens=options.batch_tokens)


@hookimpl
def register_engines(register: Register) -> None:
    """Register the engine and the models it has presets for."""
    register(
        EngineSpec(
            name="transformers",
            summary="A causal language model on this machine, through transformers",
            options=TransformersOptions,
            build=_build,
            presets=PRESETS,
        )
    )
