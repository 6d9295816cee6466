from __future__ import annotations

import random
from itertools import pairwise

import pytest
from pydantic import ValidationError

from loresmith.testing import check_chunker
from loresmith.values import Chunk, Document
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions

PIECES = [
    "word ",
    "a",
    "  ",
    "\n",
    "\n\n",
    "# Head\n",
    "\n## Sub\n\n",
    ". ",
    "é—中",
    "x" * 120,
    "| a | b |\n",
    "```\n",
    "\t",
]


def cut(text: str, size: int = 800, overlap: int = 100) -> list[Chunk]:
    return RecursiveChunker(RecursiveOptions(size=size, overlap=overlap)).split(Document("d.md", text, "Title"))


@pytest.mark.parametrize("seed", range(60))
def test_any_text_is_cut_into_exact_spans_that_lose_nothing(seed: int) -> None:
    random_ = random.Random(seed)
    text = "".join(random_.choices(PIECES, k=random_.randint(0, 400)))
    size = random_.randint(50, 400)
    overlap = random_.randint(0, size // 2)
    chunker = RecursiveChunker(RecursiveOptions(size=size, overlap=overlap))
    document = Document("d.md", text)
    check_chunker(chunker, [document])
    chunks = chunker.split(document)
    assert all(len(chunk.text) <= size for chunk in chunks)
    assert [chunk.id for chunk in chunks] == [f"d.md#{n}" for n in range(len(chunks))]
    for one, next_ in pairwise(chunks):
        assert one.end - next_.start <= overlap


def test_a_text_that_repeats_itself_is_placed_where_it_is() -> None:
    text = "same words again and again. " * 200
    chunks = cut(text, 200, 40)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert chunks[-1].end == len(text.rstrip())
    assert all(0 < one.end - next_.start <= 40 for one, next_ in pairwise(chunks))


def test_an_overlap_begins_at_a_word() -> None:
    text = "alpha beta gamma delta epsilon " * 40
    for chunk in cut(text, 120, 30):
        assert chunk.text.split()[0] in text.split()


def test_sections_begin_their_own_chunks_without_the_end_of_the_one_before() -> None:
    text = "# One\n\n" + "First sentence here. " * 12 + "\n\n## Two\n\n" + "Second sentence here. " * 12
    texts = [chunk.text for chunk in cut(text, 330, 60)]
    assert len(texts) == 2
    assert texts[1].startswith("## Two\n\nSecond")


def test_a_heading_is_never_a_chunk_without_what_follows_it() -> None:
    text = "# Title\n\n## Section\n\n" + "A long sentence of the section. " * 30
    chunks = cut(text, 300, 60)
    assert chunks[0].text.startswith("# Title\n\n## Section\n\nA long sentence")


def test_a_document_of_headings_alone_is_kept() -> None:
    assert [chunk.text for chunk in cut("# One\n\n## Two\n")] == ["# One\n\n## Two"]


def test_small_documents_are_one_chunk_with_the_title() -> None:
    assert cut("\n Short. \n") == [Chunk("d.md#0", "d.md", 2, 8, "Short.", "Title")]


def test_an_overlap_of_more_than_half_is_refused() -> None:
    with pytest.raises(ValidationError, match="overlap 60 is more than half of size 100"):
        RecursiveOptions(size=100, overlap=60)
