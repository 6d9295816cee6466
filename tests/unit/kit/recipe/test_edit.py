from __future__ import annotations

from typing import Any

import pytest
import yaml

from loresmith.errors import RecipeError
from loresmith.recipe.edit import with_item, with_item_moved, with_values, without

RECIPE = """\
# The desk.
knowledge:
  sources: [{kind: files, path: docs}]   # papers
  chunker: {kind: recursive, size: 320, overlap: 0}    # short: a CPU is slow
  store:
    kind: chroma   # embedded

  retriever: {kind: hybrid, k: 3}
seed: 42
"""
STAGES = """\
training:
  # first the tone
  - method: sft
    rank: 8        # enough
  # then the choice
  - method: dpo
    beta: 0.1

# how it is measured
evaluation:
  rungs:
  - prompt
  - rag
"""


def changed(text: str, **expected: Any) -> None:
    value = yaml.safe_load(text)["knowledge"]
    for name, wanted in expected.items():
        assert value[name] == wanted


def test_a_value_is_replaced_and_everything_else_stays() -> None:
    text = with_values(RECIPE, {("knowledge", "chunker", "size"): 480, ("knowledge", "retriever", "k"): 5})
    assert text == RECIPE.replace("size: 320", "size: 480").replace("k: 3", "k: 5")


def test_a_key_is_added_to_a_mapping_on_one_line() -> None:
    text = with_values(
        RECIPE, {("knowledge", "retriever", "floor"): 1.25, ("knowledge", "retriever", "fusion"): "ranks"}
    )
    assert text == RECIPE.replace("{kind: hybrid, k: 3}", "{kind: hybrid, k: 3, floor: 1.25, fusion: ranks}")


def test_a_key_is_added_to_a_mapping_in_a_block_before_what_follows() -> None:
    text = with_values(RECIPE, {("knowledge", "store", "effort"): 100})
    assert "    kind: chroma   # embedded\n    effort: 100\n\n  retriever" in text
    changed(text, store={"kind": "chroma", "effort": 100})


def test_a_key_is_added_before_the_comment_of_what_follows() -> None:
    text = with_values(STAGES, {("training", 1, "epochs"): 2})
    assert text == STAGES.replace("    beta: 0.1\n", "    beta: 0.1\n    epochs: 2\n")


def test_a_mapping_that_is_not_there_is_written() -> None:
    text = with_values(RECIPE.replace("  retriever: {kind: hybrid, k: 3}\n", ""), {("knowledge", "retriever", "k"): 5})
    changed(text, retriever={"k": 5})
    assert text.endswith("seed: 42\n")


def test_a_whole_component_is_replaced() -> None:
    new = {"kind": "sentence", "size": 400}
    text = with_values(RECIPE, {("knowledge", "chunker"): new, ("knowledge", "store"): {"kind": "other"}})
    changed(text, chunker=new, store={"kind": "other"}, retriever={"kind": "hybrid", "k": 3})
    assert "# short: a CPU is slow" in text


@pytest.mark.parametrize(
    "value", [True, None, 0.5, -1, "off", "a: b", "it's", "a, b", "# no", "", "é\t", "two\nlines\n", "\n", [1, "a, b"]]
)
@pytest.mark.parametrize("path", [("store", "kind"), ("retriever", "kind"), ("retriever", "new")])
def test_values_come_back_as_they_were(value: Any, path: tuple[str, str]) -> None:
    text = with_values(RECIPE, {("knowledge", *path): value})
    assert yaml.safe_load(text)["knowledge"][path[0]][path[1]] == value
    assert "# embedded" in text


def test_a_text_of_several_lines_is_written_as_a_block() -> None:
    text = with_values("instructions: |\n  One.\nseed: 1\n", {("instructions",): "Two.\n  Three.\n"})
    assert text == "instructions: |\n  Two.\n    Three.\nseed: 1\n"


def test_a_path_through_a_value_is_refused() -> None:
    with pytest.raises(RecipeError, match='"seed" holds no settings'):
        with_values(RECIPE, {("seed", "k"): 1})


def test_what_an_alias_shares_is_not_changed_behind_its_back() -> None:
    text = "a: &x {k: 1}\nb: *x\n"
    with pytest.raises(RecipeError, match="without touching"):
        with_values(text, {("a", "k"): 2})
    with pytest.raises(RecipeError, match='"b" holds no settings'):
        with_values(text, {("b", "k"): 2})
    assert with_values(text, {("b",): 2}) == "a: &x {k: 1}\nb: 2\n"


def test_text_that_is_no_yaml_is_not_changed() -> None:
    with pytest.raises(RecipeError, match="not YAML"):
        with_values("a: [1\nb: 2\n", {("b",): 3})


def test_a_key_is_removed_with_its_line_alone() -> None:
    assert without(STAGES, ("training", 0, "rank")) == STAGES.replace("    rank: 8        # enough\n", "")
    assert without(STAGES, ("training", 0, "method")) == STAGES.replace("method: sft\n    rank", "rank")
    assert without(RECIPE, ("knowledge", "chunker", "size")) == RECIPE.replace("size: 320, ", "")
    assert without(RECIPE, ("knowledge", "chunker", "overlap")) == RECIPE.replace(", overlap: 0", "")
    assert without(RECIPE, ("knowledge", "chunker", "kind")) == RECIPE.replace("kind: recursive, ", "")


def test_what_is_not_there_need_not_be_removed() -> None:
    assert without(RECIPE, ("knowledge", "reranker")) == RECIPE


def test_the_last_entry_leaves_an_empty_list_or_mapping() -> None:
    assert yaml.safe_load(without(RECIPE, ("knowledge", "store", "kind")))["knowledge"]["store"] == {}
    assert yaml.safe_load(without(RECIPE, ("knowledge", "sources", 0)))["knowledge"]["sources"] == []
    one = without(without(STAGES, ("training", 0)), ("training", 0))
    assert yaml.safe_load(one)["training"] == []
    assert "# how it is measured" in one


def test_an_item_is_added_in_the_style_of_the_others() -> None:
    text = with_item(STAGES, ("training",), {"method": "kto", "beta": 0.2})
    assert text == STAGES.replace("    beta: 0.1\n", "    beta: 0.1\n  - method: kto\n    beta: 0.2\n")
    text = with_item(RECIPE, ("knowledge", "sources"), {"kind": "jsonl", "path": "a.jsonl"})
    assert "[{kind: files, path: docs}, {kind: jsonl, path: a.jsonl}]   # papers" in text
    assert with_item(STAGES, ("evaluation", "rungs"), "tuned").endswith("  - rag\n  - tuned\n")


def test_a_list_that_is_not_there_is_begun() -> None:
    assert yaml.safe_load(with_item(RECIPE, ("training",), {"method": "sft"}))["training"] == [{"method": "sft"}]
    assert yaml.safe_load(with_item("training:\nseed: 1\n", ("training",), {"method": "sft"})) == {
        "training": [{"method": "sft"}],
        "seed": 1,
    }


def test_an_item_moves_with_its_comments() -> None:
    text = with_item_moved(STAGES, ("training", 1), -1)
    assert [stage["method"] for stage in yaml.safe_load(text)["training"]] == ["dpo", "sft"]
    assert text.index("# then the choice") < text.index("dpo") < text.index("sft") < text.index("# enough")
    assert with_item_moved(text, ("training", 0), 1).count("#") == STAGES.count("#")
    assert with_item_moved(STAGES, ("training", 1), 1) == STAGES
    assert with_item_moved("a: [x, y]  # both\n", ("a", 0), 1) == "a: [y, x]  # both\n"


def test_a_file_without_a_last_line_feed_can_be_changed() -> None:
    text = "a:\n  - x\n  - y"
    assert yaml.safe_load(with_item(text, ("a",), "z")) == {"a": ["x", "y", "z"]}
    assert yaml.safe_load(with_item_moved(text, ("a", 0), 1)) == {"a": ["y", "x"]}
    assert yaml.safe_load(without(text, ("a", 1))) == {"a": ["x"]}
    assert yaml.safe_load(with_values(text, {("b",): 1})) == {"a": ["x", "y"], "b": 1}
