"""The built-in sources: `files` reads a folder of documents, `jsonl` reads rows of a JSON Lines file."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import SourceSpec
from loresmith_plugins.sources.files import FilesOptions, FilesSource
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource


@hookimpl
def register_sources(register: Callable[[SourceSpec], None]) -> None:
    """Register `files` and `jsonl`."""
    register(
        SourceSpec(
            name="files",
            summary="Markdown and text files of a folder",
            options=FilesOptions,
            gives=frozenset({"documents"}),
            build=FilesSource,
        )
    )
    register(
        SourceSpec(
            name="jsonl",
            summary="Rows of a JSON Lines file: examples, preferences or documents",
            options=JsonlOptions,
            gives=frozenset({"documents", "examples", "preferences"}),
            build=JsonlSource,
        )
    )
