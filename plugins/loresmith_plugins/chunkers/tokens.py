"""Chunker `token`: chunks of so many tokens, as a model's own tokenizer counts them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from loresmith.errors import MissingExtraError, ModelRefused
from loresmith.files import file_hash
from loresmith.options import Options
from loresmith.specs import ChunkerContext
from loresmith.values import Chunk, Document

BLOCK = 100_000
"""Characters tokenized at once, so that a huge document does not become a huge list of tokens."""


class TokenOptions(Options):
    """Options of chunker `token`."""

    size: int = Field(default=200, ge=8, le=8192, description="Longest chunk, in tokens")
    overlap: int = Field(default=20, ge=0, le=4096, description="Tokens a chunk repeats of the one before, at most")
    tokenizer: str = Field(
        default="embedder",
        min_length=1,
        description="Whose tokens: `embedder` or `base`, those of the recipe; or a preset, path or hub id",
    )

    @model_validator(mode="after")
    def _overlap_is_less_than_half(self) -> Self:
        if self.overlap * 2 > self.size:
            raise ValueError(f"overlap {self.overlap} is more than half of size {self.size}")
        return self


class TokenChunker:
    """Cuts between words, counting tokens; only a word longer than a chunk is cut inside.

    Args:
        options: What the recipe says.
        context: Gives the folder of the model.
    """

    def __init__(self, options: TokenOptions, context: ChunkerContext) -> None:
        self._options, self._context = options, context

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks in order."""
        text = document.text
        return [
            Chunk(f"{document.id}#{n}", document.id, start, end, text[start:end], document.title)
            for n, (start, end) in enumerate(self._spans(text))
        ]

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(text):
            end = _block_end(text, start)
            for first, last in self._windows(text[start:end]):
                piece = text[start + first : start + last]
                if piece.strip():
                    yield start + first + len(piece) - len(piece.lstrip()), start + first + len(piece.rstrip())
            start = end

    def _windows(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield spans of at most `size` tokens that leave nothing out."""
        storable = text.encode("utf-8", "replace").decode("utf-8")
        encoding = self._tokenizer.encode(storable, add_special_tokens=False)
        starts = [begin for begin, _ in encoding.offsets]
        words = encoding.word_ids
        first = 0
        while starts:
            last = _word_start(words, range(first + self._options.size, first, -1))
            yield starts[first] if first else 0, starts[last] if last < len(starts) else len(text)
            if last == len(starts):
                return
            first = _word_start(words, range(max(first + 1, last - self._options.overlap), last + 1), last)
        yield 0, len(text)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtraError("tokenizers", "rag") from error
        tokenizer = Tokenizer.from_file(str(tokenizer_file(self._options, self._context)))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer


def tokenizer_file(options: TokenOptions, context: ChunkerContext) -> Path:
    """Return the tokenizer's file.

    Raises:
        ModelRefused: If the model has no tokenizer.json.
    """
    path = context.model(options.tokenizer) / "tokenizer.json"
    if not path.is_file():
        raise ModelRefused(
            f'the model "{options.tokenizer}" has no tokenizer.json to count tokens with', "Name another one."
        )
    return path


def tokenizer_identity(options: TokenOptions, context: ChunkerContext) -> str:
    """Return the hash of the tokenizer: another one cuts elsewhere."""
    return file_hash(tokenizer_file(options, context))


def _block_end(text: str, start: int) -> int:
    """Return where a block ends: behind the last line break or space that it reaches."""
    end = start + BLOCK
    if end >= len(text):
        return len(text)
    gap = max(text.rfind("\n", start, end), text.rfind(" ", start, end))
    return gap + 1 if gap > start else end


def _word_start(words: list[int | None], places: range, otherwise: int | None = None) -> int:
    """Return the first of some places between tokens at which a word begins or the text ends.

    Args:
        words: Which word each token is of.
        places: The places.
        otherwise: What to return where a single word covers them all; the first of them if not given.
    """
    if places[0] >= len(words):
        return len(words)
    for place in places:
        if place == len(words) or words[place] is None or words[place] != words[place - 1]:
            return place
    return places[0] if otherwise is None else otherwise
