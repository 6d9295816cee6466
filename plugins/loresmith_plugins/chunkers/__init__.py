"""The built-in chunker `recursive`: cuts at headings, then paragraphs, sentences, words."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import ChunkerSpec
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions


@hookimpl
def register_chunkers(register: Callable[[ChunkerSpec], None]) -> None:
    """Register `recursive`."""
    register(
        ChunkerSpec(
            name="recursive",
            summary="Cuts at headings, then paragraphs, sentences and words",
            options=RecursiveOptions,
            build=RecursiveChunker,
        )
    )
