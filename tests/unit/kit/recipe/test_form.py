"""A recipe's form comes from the models of whoever offers its components, and changes only what it is asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
import yaml
from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.options import Named, Options
from loresmith.recipe.form import Row, form_of
from loresmith.recipe.form_edits import (
    with_added,
    with_base,
    with_choice,
    with_row,
    with_row_moved,
    without_row,
)
from loresmith.specs import MethodSpec, RerankerSpec

RECIPE = """\
name: desk                      # of the harbour
base: smollm2-135m
instructions: Be brief.
knowledge:
  sources: [{kind: files, path: docs}]
  chunker: {kind: recursive, size: 320, overlap: 0}   # short
data:
  examples:
    - kind: jsonl
      path: a.jsonl             # ours
training:
  - method: sft
    rank: 8                     # enough
    loss_on: last
evaluation:
  metrics: [token_f1]           # the first decides
"""


class Limits(Options):
    """Settings within settings."""

    most: int = Field(default=3, ge=1, description="No more")


class StrangeOptions(Options):
    """One of each kind of field."""

    depth: int = Field(ge=1, le=9, description="How deep")
    share: float | None = Field(default=None, gt=0, description="How much")
    loud: bool = Field(default=False, description="Whether it shouts")
    way: Literal["left", "right"] = Field(default="left", description="Which way")
    stops: list[Literal["here", "there"]] = Field(default=["here"], description="Where it stops")
    words: list[str] | Literal["all"] = Field(default="all", description="Which words")
    limits: Limits | None = Field(default=None, description="Its limits")
    judge: dict[str, Any] = Field(default={"kind": "transformers", "max_tokens": 5}, description="Who judges")

    def named(self) -> Sequence[Named]:
        """Return the judge."""
        return [Named(("judge",), "engine", self.judge)]


class Strange:
    @hookimpl
    def register_rerankers(self, register: Any) -> None:
        register(RerankerSpec(name="strange", summary="A stranger's", options=StrangeOptions, build=lambda *_: None))

    @hookimpl
    def register_methods(self, register: Any) -> None:
        register(MethodSpec(name="odd", summary="A stranger's", options=StrangeOptions, build=lambda *_: None))


@pytest.fixture
def strange(host: PluginHost) -> PluginHost:
    assert host.add(Strange(), "strange").state == "loaded"
    return host


def rows(text: str, host: PluginHost) -> dict[str, Row]:
    found = form_of(yaml.safe_load(text), host.registry)
    assert len({row.where for row in found}) == len(found), "every key path once"
    return {row.where: row for row in found}


def test_a_strangers_component_has_a_form_by_its_model_alone(strange: PluginHost) -> None:
    text = with_choice(RECIPE, rows(RECIPE, strange)["knowledge.reranker"], "strange", strange.registry)
    text = with_row(text, rows(text, strange)["knowledge.reranker.depth"], 2)
    found = rows(text, strange)
    shapes = {row.name: row.shape for row in found.values() if row.where.startswith("knowledge.reranker.")}
    assert shapes == {
        "depth": "number", "share": "number", "loud": "switch", "way": "choice", "stops": "several", "words": "value",
        "limits": "group", "most": "number", "judge": "part", "max_tokens": "number", "batch_tokens": "number",
    }  # fmt: skip
    depth = found["knowledge.reranker.depth"]
    assert (depth.takes, depth.help, depth.required) == ("a whole number, at least 1, at most 9", "How deep", True)
    assert found["knowledge.reranker.share"].optional
    assert [choice.name for choice in found["knowledge.reranker.way"].choices] == ["left", "right"]
    assert found["knowledge.reranker"].help.endswith("A stranger's")


def test_what_options_name_has_its_own_options_even_while_others_are_wrong(strange: PluginHost) -> None:
    text = RECIPE.replace("method: sft", "method: odd\n    way: sideways")
    found = rows(text, strange)
    assert found["training[0].judge.max_tokens"].value == 5
    changed = with_row(text, found["training[0].judge.max_tokens"], 9)
    stage = yaml.safe_load(changed)["training"][0]
    assert stage["judge"] == {"kind": "transformers", "max_tokens": 9}
    other = with_choice(changed, rows(changed, strange)["training[0].judge"], "openai", strange.registry)
    assert yaml.safe_load(other)["training"][0]["judge"]["kind"] == "openai"
    assert "training[0].judge.model" in rows(other, strange)


def test_a_field_is_written_and_its_comment_stays(host: PluginHost) -> None:
    text = with_row(RECIPE, rows(RECIPE, host)["training[0].rank"], 16)
    assert text == RECIPE.replace("rank: 8 ", "rank: 16 ")
    assert without_row(text, rows(text, host)["training[0].rank"]) == RECIPE.replace(
        "    rank: 8                     # enough\n", ""
    )


@pytest.mark.parametrize(
    ("where", "value", "at"),
    [
        ("knowledge.retriever.k", 7, ("knowledge", "retriever")),
        ("evaluation.metrics[0].kind", None, None),
        ("training[0].mix.path", "general.jsonl", ("training", 0, "mix")),
        ("data.split.dev", 0.2, ("data", "split")),
        ("engine.max_tokens", 40, ("engine",)),
    ],
)
def test_a_value_below_a_default_is_written_with_what_is_around_it(
    host: PluginHost, where: str, value: Any, at: tuple[str | int, ...] | None
) -> None:
    row = rows(RECIPE, host).get(where)
    if at is None:
        assert row is None
        return
    assert row is not None
    assert not row.given
    written = yaml.safe_load(with_row(RECIPE, row, value))
    for key in at:
        written = written[key]
    assert written[row.name] == value
    if "split" not in where and "mix" not in where:
        assert written["kind"] in ("hybrid", "transformers")


def test_another_component_keeps_the_options_that_mean_the_same(host: PluginHost) -> None:
    chunker = rows(RECIPE, host)["knowledge.chunker"]
    same = with_choice(RECIPE, chunker, "markdown", host.registry)
    assert same == RECIPE.replace("kind: recursive", "kind: markdown")
    other = with_choice(RECIPE, chunker, "token", host.registry)
    assert "{kind: token}   # short" in other, "tokens are no characters"
    stage = with_choice(RECIPE, rows(RECIPE, host)["training[0]"], "dpo", host.registry)
    assert yaml.safe_load(stage)["training"] == [{"method": "dpo", "rank": 8}]
    assert "# enough" in stage


def test_a_component_that_need_not_be_there_is_taken_away(host: PluginHost) -> None:
    row = rows(RECIPE, host)["knowledge.reranker"]
    text = with_choice(RECIPE, row, "judge", host.registry)
    assert without_row(text, rows(text, host)["knowledge.reranker"]) == RECIPE


def test_stages_are_added_moved_and_taken_out(host: PluginHost) -> None:
    text = with_added(RECIPE, rows(RECIPE, host)["training"], "dpo")
    text = with_row_moved(text, rows(text, host)["training[1]"], -1)
    assert [stage["method"] for stage in yaml.safe_load(text)["training"]] == ["dpo", "sft"]
    assert "# enough" in text
    assert without_row(text, rows(text, host)["training[0]"]) == RECIPE


def test_a_metric_is_a_name_until_it_has_an_option(host: PluginHost) -> None:
    text = with_added(RECIPE, rows(RECIPE, host)["evaluation.metrics"], "pattern")
    assert "metrics: [token_f1, pattern]           # the first decides" in text
    text = with_row(text, rows(text, host)["evaluation.metrics[1].expression"], "^Next:")
    assert yaml.safe_load(text)["evaluation"]["metrics"] == ["token_f1", {"kind": "pattern", "expression": "^Next:"}]


def test_what_is_a_list_by_default_is_written_out_when_it_changes(host: PluginHost) -> None:
    text = RECIPE.replace("evaluation:\n  metrics: [token_f1]           # the first decides\n", "")
    found = rows(text, host)
    before = found["evaluation.metrics"].value
    added = yaml.safe_load(with_added(text, found["evaluation.metrics"], "pattern"))
    assert added["evaluation"]["metrics"] == [*before, "pattern"]
    fewer = yaml.safe_load(without_row(text, found["evaluation.metrics[1]"]))
    assert fewer["evaluation"]["metrics"] == [before[0], *before[2:]]


def test_a_knowledge_base_is_added_by_name_and_has_all_its_parts(host: PluginHost) -> None:
    text = with_base(RECIPE, rows(RECIPE, host)["knowledge.bases"], "law")
    found = rows(text, host)
    assert found["knowledge.bases.law.sources[0].path"].value == "law"
    assert found["knowledge.bases.law.chunker.size"].value == 800
    text = with_row(text, found["knowledge.bases.law.retriever.k"], 9)
    assert yaml.safe_load(text)["knowledge"]["bases"]["law"]["retriever"] == {"kind": "hybrid", "k": 9}


def test_sources_are_those_that_give_what_the_place_wants(host: PluginHost) -> None:
    found = rows(RECIPE, host)
    assert [choice.name for choice in found["data.examples"].choices] == ["jsonl"]
    assert {choice.name for choice in found["knowledge.sources"].choices} == {"files", "jsonl"}
    assert "smollm2-135m" in [choice.name for choice in found["base"].choices]


@pytest.mark.parametrize(
    "recipe",
    [
        None, 3, [], {"knowledge": 1, "data": [], "training": "sft"}, {"training": [None, 3, "sft", {"method": 4}]},
        {"training": [{"method": "sft", "mix": 3, "bogus": {}}]}, {"knowledge": {"bases": {"x": None, 3: 4}}},
        {"evaluation": {"metrics": [{"kind": "nobody", "a": 1}]}}, {"few_shots": 2},
    ],
)  # fmt: skip
def test_a_recipe_that_is_wrong_has_a_form_too(host: PluginHost, recipe: Mapping[str, Any] | None) -> None:
    found = {row.where for row in form_of(recipe, host.registry)}
    assert {"name", "knowledge.chunker.size", "data.examples", "evaluation.margin"} <= found


def test_a_key_that_nobody_knows_can_be_seen_and_removed(host: PluginHost) -> None:
    text = RECIPE + "few_shots: 2\n"
    assert without_row(text, rows(text, host)["few_shots"]) == RECIPE
