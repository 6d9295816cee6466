"""The built-in chunkers: what cuts documents into the pieces that are searched."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import ChunkerSpec
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions
from loresmith_plugins.chunkers.sectioned import (
    SmallToBigChunker,
    SmallToBigOptions,
    html_chunker,
    markdown_chunker,
)
from loresmith_plugins.chunkers.sentences import SentenceChunker, SentenceOptions
from loresmith_plugins.chunkers.tokens import TokenChunker, TokenOptions, tokenizer_identity
from loresmith_plugins.chunkers.whole import WholeChunker


@hookimpl
def register_chunkers(register: Callable[[ChunkerSpec], None]) -> None:
    """Register the chunkers."""
    register(
        ChunkerSpec(
            name="recursive",
            summary="Cuts at headings, then paragraphs, sentences and words",
            options=RecursiveOptions,
            build=lambda options, _context: RecursiveChunker(options),
        )
    )
    register(
        ChunkerSpec(
            name="markdown",
            summary="Keeps what stands under a Markdown heading together, with the path of headings above it",
            options=RecursiveOptions,
            build=lambda options, _context: markdown_chunker(options),
        )
    )
    register(
        ChunkerSpec(
            name="html",
            summary="The same by the headings of a page's markup",
            options=RecursiveOptions,
            build=lambda options, _context: html_chunker(options),
        )
    )
    register(
        ChunkerSpec(
            name="sentence",
            summary="Packs whole sentences",
            options=SentenceOptions,
            build=lambda options, _context: SentenceChunker(options),
        )
    )
    register(
        ChunkerSpec(
            name="token",
            summary="Cuts by the tokens of the embedder, of the base model, or of another one",
            options=TokenOptions,
            build=TokenChunker,
            identity=tokenizer_identity,
        )
    )
    register(
        ChunkerSpec(
            name="whole",
            summary="A document is one chunk",
            build=lambda _options, _context: WholeChunker(),
        )
    )
    register(
        ChunkerSpec(
            name="small-to-big",
            summary="Searches small pieces and hands over the section around them",
            options=SmallToBigOptions,
            build=lambda options, _context: SmallToBigChunker(options),
        )
    )
