from __future__ import annotations

from typing import Any

import pytest
import yaml

from loresmith.errors import RecipeError
from loresmith.recipe.edit import with_values

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


def test_a_mapping_that_is_not_there_is_written() -> None:
    text = with_values(RECIPE.replace("  retriever: {kind: hybrid, k: 3}\n", ""), {("knowledge", "retriever", "k"): 5})
    changed(text, retriever={"k": 5})
    assert text.endswith("seed: 42\n")


def test_a_whole_component_is_replaced() -> None:
    new = {"kind": "sentence", "size": 400}
    text = with_values(RECIPE, {("knowledge", "chunker"): new, ("knowledge", "store"): {"kind": "other"}})
    changed(text, chunker=new, store={"kind": "other"}, retriever={"kind": "hybrid", "k": 3})
    assert "# short: a CPU is slow" in text


@pytest.mark.parametrize("value", [True, None, 0.5, -1, "off", "a: b", "it's"])
def test_values_come_back_as_they_were(value: Any) -> None:
    changed(with_values(RECIPE, {("knowledge", "store", "kind"): value}), store={"kind": value})


def test_a_path_through_a_value_is_refused() -> None:
    with pytest.raises(RecipeError, match='"seed" holds no settings'):
        with_values(RECIPE, {("seed", "k"): 1})
