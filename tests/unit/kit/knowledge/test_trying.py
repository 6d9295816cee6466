from __future__ import annotations

from typing import Any

import pytest
import yaml

from loresmith.errors import RecipeError, UsageError
from loresmith.knowledge.explaining import explain, matches
from loresmith.knowledge.lookup import open_lookup
from loresmith.knowledge.trying import moved, read_settings, settings_form, tried, write_settings

Desk = Any


def with_settings(desk: Desk, *words: str, base: str | None = None) -> Any:
    return tried(desk.recipe, read_settings(words), desk.host.registry, base)


def test_settings_are_read_as_a_recipe_would_read_them() -> None:
    assert read_settings(
        ["retriever.k=8", "retriever.where={document: a.md}", "injection=off", "retriever.floor="]
    ) == {
        ("retriever", "k"): 8,
        ("retriever", "where"): {"document": "a.md"},
        ("injection",): False,
        ("retriever", "floor"): None,
    }


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("retriever.k", "sets nothing"),
        ("=8", "sets nothing"),
        ("retreiver.k=8", 'Did you mean "retriever"'),
        ("chunker.size=9", "shapes the index"),
        ("retriever.k={", "is no value"),
    ],
)
def test_what_is_no_setting_of_the_search_is_refused(word: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings([word])
    assert message in str(caught.value)


def test_settings_are_checked_by_the_options_of_who_offers_the_part(desk: Desk) -> None:
    recipe = with_settings(desk, "retriever.k=8", "retriever.fusion=ranks")
    assert recipe.knowledge.retriever.options == {"k": 8, "fusion": "ranks"}
    assert desk.recipe.knowledge.retriever.options == {}
    with pytest.raises(RecipeError, match='Did you mean "dense"'):
        with_settings(desk, "retriever.dens=2")
    with pytest.raises(RecipeError, match="must be at least 1"):
        with_settings(desk, "retriever.k=0")
    with pytest.raises(RecipeError, match=r"queries\.multi: must be at most 8"):
        with_settings(desk, "queries.multi=99")
    with pytest.raises(UsageError, match="there is no reranker to change"):
        with_settings(desk, "reranker.floor=1")


def test_another_kind_begins_with_its_own_defaults_whatever_the_order(desk: Desk) -> None:
    desk.knowledge["retriever"] = {"kind": "hybrid", "dense": 2, "k": 3}
    recipe = with_settings(desk, "retriever.k=5", "retriever.kind=bm25")
    assert recipe.knowledge.retriever.model_dump() == {"kind": "bm25", "k": 5}


def test_the_settings_of_a_named_base_are_its_own(desk: Desk) -> None:
    desk.knowledge["bases"] = {"news": {"sources": [{"kind": "files", "path": "docs"}]}}
    recipe = with_settings(desk, "retriever.k=2", base="news")
    assert recipe.knowledge.bases["news"].retriever.options == {"k": 2}
    assert recipe.knowledge.retriever.options == {}
    with pytest.raises(UsageError, match='has no "injection"'):
        with_settings(desk, "injection=drop", base="news")
    with pytest.raises(UsageError, match='no knowledge base "old"'):
        with_settings(desk, "retriever.k=2", base="old")


def test_a_search_with_other_settings_says_where_its_hits_stood(desk: Desk) -> None:
    desk.refresh()
    other = with_settings(desk, "retriever.kind=bm25", "retriever.k=2")
    before, after = (open_lookup(desk.project, r, desk.host, lambda _: desk.docs) for r in (desk.recipe, other))
    moves = moved(before.search(["dogs on deck"])[0], after.search(["dogs on deck"])[0])
    assert [(move.document, move.now) for move in moves[:2]] == [("dogs.md", 1), ("bikes.txt", 2)]
    assert all(move.was for move in moves)
    assert {move.document for move in moves if not move.now} == {"fares.md", "refunds.md"}


def test_a_base_that_is_searched_alone_hands_over_as_many_as_it_says(desk: Desk) -> None:
    news = {"sources": [{"kind": "files", "path": "docs"}], "embedder": {"kind": "counting"}}
    desk.knowledge["bases"] = {"news": {**news, "retriever": {"kind": "bm25", "k": 1}}}
    desk.refresh()
    lookup = open_lookup(desk.project, desk.recipe, desk.host, lambda _: desk.docs, base="news")
    assert len(lookup.search(["fare marks"])[0]) == 1


def test_the_form_marks_what_is_tried_and_shows_the_options_of_its_kind(desk: Desk) -> None:
    rows = settings_form(desk.recipe, read_settings(["retriever.k=8"]), desk.host.registry)
    by_place = {row.where: row for row in rows}
    assert (by_place["retriever.k"].value, by_place["retriever.k"].given) == (8, True)
    assert (by_place["retriever.dense"].value, by_place["retriever.dense"].given) == (1, False)
    assert {row.path[0] for row in rows} == {"retriever", "reranker", "queries", "injection"}
    other = settings_form(desk.recipe, read_settings(["retriever.kind=bm25"]), desk.host.registry)
    assert "retriever.dense" not in {row.where for row in other}


RECIPE = """\
name: desk  # ours
base: tiny
instructions: You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  retriever: {kind: hybrid, k: 4}  # four are enough
data:
  examples: [{kind: jsonl, path: x.jsonl}]
"""


@pytest.mark.parametrize(
    ("text", "words", "wanted"),
    [
        (RECIPE, ["retriever.k=8"], {"kind": "hybrid", "k": 8}),
        (RECIPE, ["retriever.kind=bm25"], {"kind": "bm25"}),
        (RECIPE.replace("  retriever: {kind: hybrid, k: 4}  # four are enough\n", ""), ["retriever.k=8"],
         {"kind": "hybrid", "k": 8}),
    ],
)  # fmt: skip
def test_what_was_tried_is_written_and_comments_stay(
    desk: Desk, text: str, words: list[str], wanted: dict[str, Any]
) -> None:
    desk.project.recipe.write_text(text)
    desk.knowledge["retriever"] = yaml.safe_load(text)["knowledge"].get("retriever", {"kind": "hybrid"})
    settings = read_settings(words)
    write_settings(desk.project, tried(desk.recipe, settings, desk.host.registry), settings)
    after = desk.project.recipe.read_text()
    assert yaml.safe_load(after)["knowledge"]["retriever"] == wanted
    assert "name: desk  # ours" in after


def test_the_words_of_a_query_are_found_in_a_text_in_any_form(desk: Desk) -> None:
    desk.refresh()
    lookup = open_lookup(desk.project, desk.recipe, desk.host, lambda _: desk.docs)
    text = "A dog's fare, paid in Marks: 4.70 (dogs' fares too)."
    assert [text[a:b] for a, b in matches(lookup, "dogs fares 4.70 mark", text)] == [
        "dog's", "fare", "Marks", "4.70", "dogs", "fares"
    ]  # fmt: skip
    assert explain(lookup, "dogs").fates
