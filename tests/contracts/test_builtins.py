"""Every built-in goes through the conformance suite that a third party would use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loresmith.host import PluginHost, installed_plugins
from loresmith.registry import KINDS
from loresmith.specs import (
    ChunkerContext,
    ChunkerSpec,
    Gives,
    MakerContext,
    MakerSpec,
    MetricSpec,
    SourceSpec,
    StoreSpec,
)
from loresmith.testing import check_chunker, check_maker, check_metric, check_source, check_spec, check_store
from loresmith.values import Chunk, Hit
from tiny_embedder import tiny_embedder

HOST = PluginHost(points=[p for p in installed_plugins() if p.value.startswith("loresmith_plugins")])
SPECS = [(kind, name) for kind in KINDS for name in HOST.registry.names(kind)]
ROWS = {
    "examples": [
        {"question": "When?", "answer": "At nine.", "grounding": ["a.md"]},
        {"question": "Who?", "answer": "Me."},
    ],
    "preferences": [{"prompt": "When?", "chosen": "At nine.", "rejected": "No."}],
    "documents": [{"id": "a.md", "text": "The kiosk opens at nine."}, {"id": "b.md", "text": "No dogs."}],
}


def test_all_built_in_plugins_load() -> None:
    assert not HOST.failures


@pytest.mark.parametrize(("kind", "name"), SPECS)
def test_spec_conforms(kind: str, name: str) -> None:
    check_spec(HOST.registry.get(KINDS[kind], name))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("models") / "encoder")


@pytest.mark.parametrize("name", HOST.registry.names("chunkers"))
def test_chunker_conforms(name: str, encoder: Path) -> None:
    spec = HOST.registry.get(ChunkerSpec, name)
    context = ChunkerContext(lambda _: encoder)
    check_chunker(spec.build(spec.options(), context))
    assert spec.identity(spec.options(), context) == spec.identity(spec.options(), context)


# "reward" asks a model that a stage trained: its tests are beside that stage.
@pytest.mark.parametrize("name", [name for name in HOST.registry.names("metrics") if name != "reward"])
def test_metric_conforms(name: str) -> None:
    spec = HOST.registry.get(MetricSpec, name)
    check_metric(spec.build(spec.options()))


@pytest.mark.parametrize("name", HOST.registry.names("makers"))
def test_maker_conforms(name: str) -> None:
    spec = HOST.registry.get(MakerSpec, name)
    texts = {"short.md": "The kiosk opens at nine.", "dogs.md": "Dogs stay below.", "fares.md": "Five pounds."}
    hits = [Hit(Chunk(document, document, 0, len(text), text), 1.0) for document, text in texts.items()]
    context = MakerContext(retrieve=lambda queries, k: [hits[:k] for _ in queries], shut_out=frozenset())
    check_maker(spec.build(spec.options(), context))


@pytest.mark.parametrize("name", HOST.registry.names("stores"))
def test_store_conforms(name: str, tmp_path: Path) -> None:
    spec = HOST.registry.get(StoreSpec, name)
    check_store(lambda: spec.build(spec.options(), tmp_path, 3))


@pytest.mark.parametrize("gives", ["documents", "examples", "preferences"])
@pytest.mark.parametrize("name", HOST.registry.names("sources"))
def test_source_conforms(name: str, gives: Gives, tmp_path: Path) -> None:
    spec = HOST.registry.get(SourceSpec, name)
    if gives not in spec.gives:
        pytest.skip(f"{name} gives no {gives}")
    place = tmp_path / "place"
    if name == "files":
        place.mkdir()
        (place / "a.md").write_text("The kiosk opens at nine.", encoding="utf-8")
    else:
        place.write_text("".join(json.dumps(row) + "\n" for row in ROWS[gives]), encoding="utf-8")
    check_source(spec.build(spec.options.model_validate({"path": "place"}), tmp_path), gives)
