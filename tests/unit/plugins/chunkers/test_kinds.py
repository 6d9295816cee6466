from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from loresmith.errors import ModelRefused
from loresmith.specs import Chunker, ChunkerContext
from loresmith.testing import check_chunker
from loresmith.values import Chunk, Document
from loresmith_plugins.chunkers.recursive import RecursiveOptions
from loresmith_plugins.chunkers.sectioned import (
    SmallToBigChunker,
    SmallToBigOptions,
    html_chunker,
    markdown_chunker,
)
from loresmith_plugins.chunkers.sentences import SentenceChunker, SentenceOptions
from loresmith_plugins.chunkers.tokens import BLOCK, TokenChunker, TokenOptions, tokenizer_identity
from loresmith_plugins.chunkers.whole import WholeChunker
from loresmith_plugins.sources.html import read_page
from tiny_embedder import tiny_embedder

PIECES = [
    "the dog may go on deck. ", "Is it so? ", "a", " ", "\n", "\n\n", "# Head\n", "\n## Sub\n\n", "\nUnder\n-----\n",
    "é—中文。", "x" * 90, "- item\n", "```\n# code\n```\n", "\t", "שלום ", "\x07", "e.g. no. 7 ",
]  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ChunkerContext:
    folder = tiny_embedder(tmp_path_factory.mktemp("models") / "tiny")
    return ChunkerContext(lambda _: folder)


def markdown(size: int = 200) -> Chunker:
    return markdown_chunker(RecursiveOptions(size=size, overlap=size // 8))


def small_to_big(size: int = 50, section: int = 200) -> Chunker:
    return SmallToBigChunker(SmallToBigOptions(size=size, section=section))


MAKERS: dict[str, Callable[[ChunkerContext], Chunker]] = {
    "markdown": lambda _: markdown(),
    "html": lambda _: html_chunker(RecursiveOptions(size=200, overlap=0)),
    "sentence": lambda _: SentenceChunker(SentenceOptions(size=120)),
    "token": lambda context: TokenChunker(TokenOptions(size=20, overlap=5), context),
    "whole": lambda _: WholeChunker(),
    "small-to-big": lambda _: small_to_big(),
}


@pytest.mark.parametrize("name", MAKERS)
def test_any_text_is_cut_into_exact_spans_that_lose_nothing(name: str, context: ChunkerContext) -> None:
    chunker = MAKERS[name](context)
    for seed in range(25):
        chance = random.Random(seed)
        text = "".join(chance.choices(PIECES, k=chance.randint(0, 200)))
        check_chunker(chunker, [Document("d.md", text, "Title")])


GUIDE = (
    "Before.\n\n# Fares\n\n## Children\n\nThey pay half. {}\n\nDogs\n----\n\nThey go free.\n\n# Bikes\n\nTwo marks.\n"
)


def test_a_chunk_stands_under_one_heading_and_says_the_path_to_it() -> None:
    chunks = markdown(300).split(Document("a.md", GUIDE.format("And so on."), "Fares"))
    assert [(chunk.headings, chunk.text.splitlines()[0]) for chunk in chunks] == [
        ((), "Before."),
        (("Fares", "Children"), "# Fares"),
        (("Fares", "Dogs"), "Dogs"),
        (("Bikes",), "# Bikes"),
    ]


def test_a_long_section_is_cut_and_every_piece_says_where_it_stands() -> None:
    chunks = markdown(120).split(Document("a.md", GUIDE.format("More of it. " * 30), "Ferry"))
    pieces = [chunk for chunk in chunks if chunk.headings == ("Fares", "Children")]
    assert len(pieces) > 2
    assert all(len(chunk.text) <= 120 for chunk in pieces)
    assert pieces[0].text.startswith("# Fares\n\n## Children\n\nThey pay half.")
    assert pieces[1].searchable.startswith("Ferry > Fares > Children\nMore of it.")
    assert pieces[1].place == "Ferry > Fares > Children"


def test_number_signs_in_code_are_no_headings() -> None:
    text = "# Setup\n\n```sh\n# comment\nrun\n```\n\nDone.\n"
    assert [chunk.headings for chunk in markdown().split(Document("a.md", text))] == [("Setup",)]


def test_a_page_is_cut_at_the_headings_of_its_markup_alone() -> None:
    page = read_page("<h1>Setup</h1><pre># comment\nrun</pre><h2>After</h2><p>Done.")
    document = Document("a.html", page.text, page.title, headings=page.headings)
    chunks = html_chunker(RecursiveOptions()).split(document)
    assert [chunk.headings for chunk in chunks] == [("Setup",), ("Setup", "After")]


def test_small_pieces_hold_the_section_that_is_handed_over() -> None:
    chunks = small_to_big(80).split(Document("a.md", GUIDE.format("More of it. " * 8), "Ferry"))
    pieces = [chunk for chunk in chunks if chunk.headings == ("Fares", "Children")]
    assert len({chunk.within for chunk in pieces}) == 1
    assert all(len(chunk.text) <= 80 for chunk in pieces)
    section = pieces[0].within
    assert section
    assert section.text.startswith("# Fares\n\n## Children")
    assert section.text.endswith("More of it.")
    assert chunks[0] == Chunk("a.md#0", "a.md", 0, 7, "Before.", "Ferry")


def test_sentences_are_whole_and_the_last_ones_are_repeated() -> None:
    text = "One is here. Two is there, e.g. now. Three came late. Four went home. " * 5
    chunks = SentenceChunker(SentenceOptions(size=80, overlap=1)).split(Document("a", text))
    assert all(chunk.text.endswith(".") and len(chunk.text) <= 80 for chunk in chunks)
    assert all(one.end > two.start for one, two in pairwise(chunks))
    apart = SentenceChunker(SentenceOptions(size=80, overlap=0)).split(Document("a", text))
    assert all(one.end <= two.start for one, two in pairwise(apart))


def test_tokens_are_counted_by_the_tokenizer_and_words_stay_whole(context: ChunkerContext) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(context.model("embedder") / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    text = "the dogs may go on deck with the child " * 30
    chunks = TokenChunker(TokenOptions(size=40, overlap=10), context).split(Document("a", text))
    counts = [len(tokenizer.encode(chunk.text, add_special_tokens=False).ids) for chunk in chunks]
    assert max(counts) <= 40
    assert min(counts[:-1]) > 25
    assert all(set(chunk.text.split()) <= set(text.split()) for chunk in chunks)


def test_a_huge_line_is_tokenized_in_blocks(context: ChunkerContext) -> None:
    text = "dog " * BLOCK
    chunks = TokenChunker(TokenOptions(size=8000, overlap=0), context).split(Document("a", text))
    assert "".join(chunk.text for chunk in chunks).replace(" ", "") == "dog" * BLOCK


def test_another_tokenizer_is_another_chunker(tmp_path: Path, context: ChunkerContext) -> None:
    options = TokenOptions()
    same = tokenizer_identity(options, context)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert tokenizer_identity(options, ChunkerContext(lambda _: tmp_path)) != same
    with pytest.raises(ModelRefused, match=r'the model "embedder" has no tokenizer\.json'):
        tokenizer_identity(options, ChunkerContext(lambda _: tmp_path / "none"))


def test_sections_hardly_larger_than_their_pieces_are_refused() -> None:
    with pytest.raises(ValidationError, match="section 200 is less than twice the size 150"):
        SmallToBigOptions(size=150, section=200)
