"""Tuning on a project of small papers, with an embedder that counts what it embeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from loresmith.errors import DataError, UsageError
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.options import Options
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.recipe.models import Recipe
from loresmith.specs import EmbedderSpec, Progress
from loresmith.tuning.tune import Tuned, tune
from loresmith.values import content_hash

RECIPE = """\
name: desk
base: smollm2-135m
instructions: You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  chunker: {kind: recursive, size: 200, overlap: 0}   # short
  embedder: {kind: counting}
  retriever: {kind: hybrid, k: 6}
data:
  examples: [{kind: jsonl, path: examples.jsonl}]
  split: {dev: 0.2, test: 0.3, seed: 1}
"""
THINGS = [
    "dog",
    "bike",
    "cabin",
    "refund",
    "parcel",
    "menu",
    "lounge",
    "horse",
    "drone",
    "permit",
    "ladder",
    "anchor",
    "buoy",
    "rope",
    "kettle",
    "lantern",
    "mast",
    "net",
    "oar",
    "pump",
    "quilt",
    "rudder",
    "sail",
    "tiller",
]


class Counting:
    """Embeds by the hashes of words; notes every text."""

    identity = "counting"
    dimension = 16

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.stop_after: int | None = None

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Any:
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            if self.stop_after is not None and len(self.texts) >= self.stop_after:
                raise KeyboardInterrupt
            self.texts.append(text)
            for word in text.lower().split():
                vectors[row, int(content_hash(word)[:8], 16) % self.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def embedder(host: PluginHost) -> Counting:
    counting = Counting()

    class Plugin:
        @hookimpl
        def register_embedders(self, register: Callable[[EmbedderSpec], None]) -> None:
            register(EmbedderSpec(name="counting", summary="Counts", options=Options, build=lambda *_: counting))

    assert host.add(Plugin(), "counting").state == "loaded"
    return counting


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "assistant.yaml").write_text(RECIPE)
    (tmp_path / "docs").mkdir()
    rows = []
    for thing in THINGS:
        text = (
            f"# The {thing}\n\nA {thing} may come on board.\n\n" + f"The fee for a {thing} is low on every line. " * 3
        )
        (tmp_path / f"docs/{thing}.md").write_text(text)
        rows.append({"question": f"What is the fee for a {thing}?", "answer": "Low.", "grounding": [f"{thing}.md"]})
    rows += [{"question": f"Whence {n} zeppelins?", "answer": "Not said.", "answerable": False} for n in "abcdefghijkl"]
    (tmp_path / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Project.open(tmp_path)


def run(project: Project, host: PluginHost, **more: Any) -> Tuned:
    recipe: Recipe = load_recipe(project.recipe, host.registry)
    return tune(project, recipe, host, Path, lambda *_: None, **more)


def test_it_chooses_on_train_and_dev_alone(project: Project, host: PluginHost, embedder: Counting) -> None:
    tuned = run(project, host)
    kept = json.loads(project.split.read_text())["examples"]
    test = {entry["question"] for entry in kept.values() if entry["side"] == "test"}
    assert test
    assert not test & set(embedder.texts)
    assert tuned.questions + tuned.unanswerable == sum(entry["side"] != "test" for entry in kept.values())
    assert [choice.part for choice in tuned.choices] == ["chunker", "fusion", "k", "floor"]
    assert project.recipe.read_text() == RECIPE


def test_one_chunk_is_enough_where_the_first_is_right(project: Project, host: PluginHost, embedder: Counting) -> None:
    choices = {choice.part: choice for choice in run(project, host).choices}
    k = choices["k"]
    assert (k.before, k.chosen, k.options) == ("6", "1", {"retriever": {"k": 1}})
    assert [tried.value for tried in k.tried][:3] == ["1", "2", "3"]
    assert all(tried.score == 1 for tried in k.tried)


def test_a_floor_turns_away_what_the_papers_do_not_say(project: Project, host: PluginHost, embedder: Counting) -> None:
    floor = {choice.part: choice for choice in run(project, host).choices}["floor"]
    assert floor.before == "none"
    assert "turns away" in floor.why
    assert floor.options["retriever"]["floor"] == pytest.approx(float(floor.chosen), rel=0.01)


def test_what_is_chosen_is_written_and_comments_stay(project: Project, host: PluginHost, embedder: Counting) -> None:
    tuned = run(project, host, write=True)
    assert tuned.written
    text = project.recipe.read_text()
    assert "# short" in text
    retriever = yaml.safe_load(text)["knowledge"]["retriever"]
    assert retriever["k"] == 1
    assert "floor" in retriever
    load_recipe(project.recipe, host.registry)


def test_nothing_is_embedded_twice_also_after_an_interruption(
    project: Project, host: PluginHost, embedder: Counting
) -> None:
    whole = run(project, host).embedded
    assert whole == len(embedder.texts) == len(set(embedder.texts))
    embedder.texts.clear()
    assert run(project, host).embedded == 0
    assert embedder.texts == []


def test_an_interruption_keeps_what_was_embedded(
    project: Project, host: PluginHost, embedder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loresmith.tuning.vectors.TEXTS_A_WRITE", 8)
    embedder.stop_after = 20
    with pytest.raises(KeyboardInterrupt):
        run(project, host)
    before = set(embedder.texts[:16])
    embedder.texts.clear()
    embedder.stop_after = None
    run(project, host)
    assert not before & set(embedder.texts)


def test_other_chunkers_are_tried_when_named(project: Project, host: PluginHost, embedder: Counting) -> None:
    chunker = run(project, host, chunkers=["sentence"]).choices[0]
    assert {tried.value.split()[0] for tried in chunker.tried} == {"recursive", "sentence"}
    sizes = [tried.value for tried in chunker.tried if tried.value.startswith("recursive")]
    assert sizes[:3] == [
        "recursive size 200, overlap 0",
        "recursive size 100, overlap 0",
        "recursive size 150, overlap 0",
    ]


def test_too_few_grounded_questions_are_told(project: Project, host: PluginHost, embedder: Counting) -> None:
    rows = [{"question": f"Is {n} so?", "answer": "Yes."} for n in "abcdefghijklmnop"]
    (project.root / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="too little to tune on"):
        run(project, host)


def test_several_bases_are_not_tuned_together(project: Project, host: PluginHost, embedder: Counting) -> None:
    text = RECIPE.replace("data:\n", "  bases: {more: {sources: [{kind: files, path: docs}]}}\ndata:\n", 1)
    project.recipe.write_text(text)
    with pytest.raises(UsageError, match="several"):
        run(project, host)
