from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_parts import FARES, FakeEngine, FakeRetriever, chunk
from loresmith.artefact import promote
from loresmith.assistant import open as opening
from loresmith.assistant.open import open_assistant
from loresmith.assistant.taught import Taught
from loresmith.errors import LoresmithError, RetrievalError, UsageError
from loresmith.files import write_json
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.runs.hashes import base_hash
from loresmith.runs.run import Run
from loresmith.specs import EngineSpec
from loresmith.values import Example, Weights
from model_folders import write_model

RECIPE = """\
name: desk
base: ./base
instructions: As the recipe says now.
few_shot: 2
engine: {kind: fake}
knowledge: {sources: [{kind: files, path: docs}], embedder: {kind: minilm}}
data: {examples: [{kind: jsonl, path: examples.jsonl}]}
"""
DECLINE = "The papers do not say."


class FakePlugin:
    @hookimpl
    def register_engines(self, register: Callable[[EngineSpec], None]) -> None:
        register(EngineSpec(name="fake", summary="No model", build=lambda _options, _base: FakeEngine()))


@pytest.fixture
def fakes(host: PluginHost) -> PluginHost:
    assert host.add(FakePlugin(), "fakes").state == "loaded"
    return host


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "assistant.yaml").write_text(RECIPE)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fares.md").write_text(FARES)
    rows = [{"question": f"fare {n}?", "answer": f"{n}.40 marks."} for n in range(6)]
    rows.append({"question": "parrot?", "answer": DECLINE, "answerable": False})
    (tmp_path / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_model(tmp_path / "base")
    return Project.open(tmp_path)


@pytest.fixture
def index(project: Project, monkeypatch: pytest.MonkeyPatch) -> FakeRetriever:
    """An index with fingerprint `i1` and a retriever that needs no model."""
    write_json(project.index / "manifest.json", {"fingerprint": "i1"})
    retriever = FakeRetriever(chunk(FARES))
    monkeypatch.setattr(opening, "open_lookup", lambda *_, **__: retriever)
    return retriever


def run_in(project: Project, host: PluginHost, *, ship: str = "hybrid", adapter: bool = True) -> Run:
    """Make a run that is done."""
    recipe = load_recipe(project.recipe, host.registry).model_copy(update={"instructions": "As it was built."})
    run = Run.create(project, recipe, {"base": base_hash(project.root / "base"), "index": "i1"}, host=host)
    demonstration = [{"role": "user", "content": "Bike?"}, {"role": "assistant", "content": "Free."}]
    write_json(run.folder / "taught.json", {"demonstrations": [demonstration], "declines": ["Nope, petal."]})
    if adapter:
        run.adapter.mkdir()
        (run.adapter / "adapter.safetensors").write_bytes(b"weights")
    write_json(run.report, {"rungs": {"rag": {}, "hybrid": {}, "prompt": {}}, "verdict": {"ship": ship}})
    run.finish()
    return run


def test_nothing_built_says_what_to_do(project: Project, fakes: PluginHost) -> None:
    with pytest.raises(UsageError, match=r"nothing is built yet[\s\S]*loresmith build"):
        open_assistant(project, None, fakes)
    with pytest.raises(UsageError, match='rung "hybrid" needs training, and nothing is built yet'):
        open_assistant(project, None, fakes, "hybrid")


def test_without_an_index_a_rung_that_looks_up_says_so(project: Project, fakes: PluginHost) -> None:
    with pytest.raises(RetrievalError, match="no index"):
        open_assistant(project, None, fakes, "rag")


def test_cheap_rungs_answer_before_any_training(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    prompt, few_shot, rag = (open_assistant(project, None, fakes, rung) for rung in ("prompt", "few-shot", "rag"))
    assert rag.lookup is index
    assert prompt.lookup is None
    assert len(few_shot.demonstrations) == 2
    assert prompt.instructions == "As the recipe says now."
    assert rag.declines.wanted == (DECLINE,)


def test_what_the_split_holds_out_is_not_shown(project: Project, fakes: PluginHost) -> None:
    questions = [f"fare {n}?" for n in range(6)]
    entries = {}
    for n, question in enumerate(questions):
        example = Example.of(
            [{"role": "user", "content": question}, {"role": "assistant", "content": f"{n}.40 marks."}]
        )
        entries[example.id] = {
            "hash": "",
            "group": "",
            "side": "train" if n in (1, 4) else "test",
            "question": question,
        }
    options = {"dev": 0.1, "test": 0.2, "group_by": "grounding", "seed": 13}
    write_json(project.split, {"version": 1, "options": options, "examples": entries})
    few_shot = open_assistant(project, None, fakes, "few-shot")
    assert {example.question for example in few_shot.demonstrations} == {"fare 1?", "fare 4?"}


def test_the_artefact_answers_as_it_was_built(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    run = run_in(project, fakes)
    promote(project, run)
    later = run_in(project, fakes, ship="prompt")
    (project.root / "assistant.yaml").write_text("name: [broken")
    assistant = open_assistant(project, None, fakes)
    assert (assistant.rung, assistant.instructions) == ("hybrid", "As it was built.")
    assert assistant.weights == Weights(adapter=run.adapter)
    assert assistant.declines.wanted == ("Nope, petal.",)
    assert assistant.notes == ()
    assert open_assistant(project, None, fakes, run=later.id).rung == "prompt"
    shown = open_assistant(project, None, fakes, "few-shot").demonstrations
    assert [example.question for example in shown] == ["Bike?"]


def test_without_an_artefact_the_latest_done_run_answers(
    project: Project, fakes: PluginHost, index: FakeRetriever
) -> None:
    run_in(project, fakes, ship="rag")
    unfinished = Run.create(project, load_recipe(project.recipe, fakes.registry), {}, host=fakes)
    assert unfinished.state != "done"
    assert open_assistant(project, None, fakes).rung == "rag"


def test_an_index_or_base_that_changed_since_is_told(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    run_in(project, fakes)
    write_json(project.index / "manifest.json", {"fingerprint": "i2"})
    (project.root / "base" / "model.safetensors").write_bytes(b"other weights")
    notes = open_assistant(project, None, fakes).notes
    assert len(notes) == 2
    assert "measured with index i1" in notes[0]
    assert "base model is not the one" in notes[1]
    assert open_assistant(project, None, fakes, "prompt").notes == ()


def test_an_engine_that_is_loaded_is_gone_on_with(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    run_in(project, fakes)
    first = open_assistant(project, None, fakes)
    assert open_assistant(project, None, fakes, "rag", engine=first.engine).engine is first.engine


def test_a_run_without_adapter_is_no_hybrid(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    run = run_in(project, fakes, ship="rag", adapter=False)
    with pytest.raises(UsageError, match=f'run "{run.id}" has trained nothing'):
        open_assistant(project, None, fakes, "hybrid")


@pytest.mark.parametrize("file", ["recipe.yaml", "taught.json"])
def test_a_run_with_a_damaged_file_names_it(
    project: Project, fakes: PluginHost, index: FakeRetriever, file: str
) -> None:
    run = run_in(project, fakes)
    (run.folder / file).write_text("{")
    with pytest.raises(LoresmithError, match=f"cannot be asked: its {file} is missing or damaged"):
        open_assistant(project, None, fakes)


def test_what_a_build_writes_is_what_ask_reads(project: Project, fakes: PluginHost, index: FakeRetriever) -> None:
    run = run_in(project, fakes)
    train = [
        Example.of([{"role": "user", "content": "q"}, {"role": "assistant", "content": DECLINE}], answerable=False)
    ]
    Taught.of(train, few_shot=1, seed=1).write(run.folder)
    assert open_assistant(project, None, fakes).declines.wanted == (DECLINE,)
