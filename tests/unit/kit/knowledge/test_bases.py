"""Several knowledge bases in one project: indexed each for itself, searched as one."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.errors import DataError, RetrievalError, UsageError
from loresmith.knowledge.bases import index_fingerprint, read_all
from loresmith.recipe.models import Knowledge

Desk = Any


@pytest.fixture
def two(desk: Desk) -> Desk:
    """The desk with a second base, `news`, of two documents."""
    news = desk.project.root / "news"
    news.mkdir()
    (news / "dogs.md").write_text("# Dogs in the news\n\nDogs on deck met the king.")
    (news / "weather.md").write_text("# Weather\n\nFog on Monday.")
    own = {key: desk.knowledge[key] for key in ("chunker", "embedder")}
    desk.knowledge["bases"] = {"news": {"sources": [{"kind": "files", "path": "news"}], **own}}
    return desk


def test_all_bases_are_indexed_and_searched_as_one(two: Desk) -> None:
    report = two.refresh()
    assert (report.documents, report.embedded) == (6, 6)
    assert {name: each.documents for name, each in report.bases.items()} == {"": 4, "news": 2}
    assert report.to_json()["bases"]["news"]["embedded"] == 2
    hits = two.open().search(["dogs on deck"], 20)[0]
    assert {hit.chunk.document for hit in hits[:2]} == {"dogs.md", "news/dogs.md"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all({"bases", "best"} <= hit.scores.keys() for hit in hits)
    assert len(two.open().search(["dogs on deck"])[0]) == 4


def test_one_base_can_be_indexed_and_searched_alone(two: Desk) -> None:
    report = two.refresh(base="news")
    assert (report.documents, list(report.bases)) == (2, ["news"])
    found = {hit.chunk.document for hit in two.open(base="news").search(["dogs"], 9)[0]}
    assert found == {"news/dogs.md", "news/weather.md"}
    with pytest.raises(RetrievalError, match="there is no index yet"):
        two.open()
    with pytest.raises(UsageError, match='no knowledge base "old"') as caught:
        two.refresh(base="old")
    assert '"news"' in caught.value.hint


def test_an_index_that_lacks_a_base_says_which_and_what_to_run(two: Desk) -> None:
    two.refresh(base="")
    with pytest.raises(RetrievalError, match='no index of the knowledge base "news"') as caught:
        two.open()
    assert caught.value.hint == "Run `loresmith index --base news`."


def test_a_change_in_one_base_leaves_the_other_alone_and_changes_the_fingerprint(two: Desk) -> None:
    first = two.refresh()
    assert index_fingerprint(two.project.index) == first.fingerprint
    (two.project.root / "news/weather.md").write_text("# Weather\n\nSun on Monday.")
    again = two.refresh()
    assert (again.bases[""].unchanged, again.bases["news"].changed, again.embedded) == (4, 1, 1)
    assert index_fingerprint(two.project.index) == again.fingerprint != first.fingerprint


def test_a_project_with_one_nameless_base_has_that_ones_fingerprint(desk: Desk) -> None:
    assert index_fingerprint(desk.project.index) is None
    assert index_fingerprint(desk.project.index) != (report := desk.refresh()).fingerprint
    assert index_fingerprint(desk.project.index) == report.fingerprint
    assert "bases" not in report.to_json()


def test_named_bases_alone_are_enough(two: Desk) -> None:
    del two.knowledge["sources"]
    shutil.rmtree(two.docs)
    assert two.refresh().documents == 2
    assert two.found()[0] == "news/dogs.md"
    with pytest.raises(ValidationError, match="has neither sources nor bases"):
        Knowledge.model_validate({})


def test_documents_of_all_bases_are_read_together_and_told_apart(two: Desk) -> None:
    knowledge, registry, root = two.recipe.knowledge, two.host.registry, two.project.root
    assert [document.id for document in read_all(knowledge, registry, root)] == [
        "bikes.txt", "dogs.md", "fares.md", "refunds.md", "news/dogs.md", "news/weather.md",
    ]  # fmt: skip
    (two.docs / "news").mkdir()
    (two.docs / "news/dogs.md").write_text("# The same id")
    with pytest.raises(DataError) as caught:
        read_all(knowledge, registry, root)
    assert [problem.key for problem in caught.value.problems] == ["news/dogs.md"]


def test_pieces_keep_their_sections_in_the_index(desk: Desk) -> None:
    (desk.docs / "long.md").write_text(
        "# Long\n\n## Part\n\n" + " ".join(f"Cats sleep in part {n}." for n in range(30))
    )
    desk.knowledge["chunker"] = {"kind": "small-to-big", "size": 60, "section": 300}
    desk.refresh()
    hit = desk.open().search(["cats sleep"], 1)[0][0]
    section = hit.chunk.within
    assert section.headings == ("Long", "Part")
    assert section.text == (desk.docs / "long.md").read_text()[section.start : section.end]
    assert len(section.text) > 200
    text = next(desk.project.index.glob("chunks-*.jsonl")).read_text()
    assert text.count(section.text.replace("\n", "\\n")) == 1
    assert desk.refresh().embedded == 0
