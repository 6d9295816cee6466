"""The built-ins that need a model go through the conformance suite with tiny random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_parts import FakeEngine
from loresmith.host import PluginHost
from loresmith.specs import (
    ChoosingEngine,
    EmbedderSpec,
    EngineSpec,
    MethodSpec,
    RetrieverContext,
    RetrieverSpec,
    StoreSpec,
)
from loresmith.testing import (
    check_choosing_engine,
    check_embedder,
    check_engine,
    check_method,
    check_retriever,
    stage_context,
)
from loresmith.values import Chunk
from loresmith_plugins.metrics.token_f1 import TokenF1
from scripted_endpoint import ScriptedEndpoint
from tiny_models import write_chat_model, write_encoder

CONSTITUTION = "principles: [{name: brief, critique: 'Is it brief?', revision: Make it brief.}]\n"
TEXTS = ("The kiosk opens at nine.", "Dogs stay on the lower deck.", "A bicycle costs five pounds.")


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_model(tmp_path_factory.mktemp("models") / "chat")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("models") / "encoder")


def test_embedder_conforms(host: PluginHost, encoder: Path) -> None:
    for spec in host.registry.of(EmbedderSpec):
        check_embedder(spec.build(spec.options(), lambda name: encoder))


def test_retriever_conforms(host: PluginHost, encoder: Path, tmp_path: Path) -> None:
    spec = host.registry.get(EmbedderSpec, "minilm")
    embedder = spec.build(spec.options(), lambda name: encoder)
    chunks = {f"c{n}": Chunk(f"c{n}", f"{n}.md", 0, len(text), text) for n, text in enumerate(TEXTS)}
    stores = host.registry.get(StoreSpec, "chroma")
    store = stores.build(stores.options(), tmp_path / "store", embedder.dimension)
    store.upsert(list(chunks), embedder.embed(TEXTS))
    for retriever in host.registry.of(RetrieverSpec):
        folder = tmp_path / retriever.name
        folder.mkdir()
        context = RetrieverContext(folder, "1", chunks, embedder.embed, lambda: store)
        check_retriever(retriever.build(retriever.options(), context), ["When does the kiosk open?", "dogs"])
    store.close()


def test_engine_conforms(host: PluginHost, chat_model: Path) -> None:
    with ScriptedEndpoint(
        lambda messages: messages[-1]["content"].lower(), likely=lambda _: {"A": -0.5, "B": -2.0}
    ) as e:
        places = {"openai": {"url": e.url, "model": "scripted"}}
        for spec in host.registry.of(EngineSpec):
            options = spec.options.model_validate({"max_tokens": 6, **places.get(spec.name, {})})
            engine = spec.build(options, chat_model)
            check_engine(engine)
            if isinstance(engine, ChoosingEngine):
                check_choosing_engine(engine)


METHODS: dict[str, dict[str, Any]] = {
    "sft": {"passages": 0},
    "dpo": {},
    "kto": {},
    "reward": {},
    "rlhf": {"reply_tokens": 4, "samples": 2},
    "constitutional": {"constitution": "constitution.yaml", "max_tokens": 4, "critic": {"kind": "transformers"}},
    "distill": {"kind": "replies", "teacher": {"kind": "transformers"}},
}
"""The options a method is tried with, beside one epoch."""


def test_every_method_is_tried(host: PluginHost) -> None:
    assert set(METHODS) == {spec.name for spec in host.registry.of(MethodSpec)}


@pytest.mark.parametrize("name", METHODS)
def test_method_conforms(name: str, host: PluginHost, chat_model: Path, tmp_path: Path) -> None:
    (tmp_path / "constitution.yaml").write_text(CONSTITUTION, encoding="utf-8")
    folder = tmp_path / name
    folder.mkdir()
    # A model of random weights would never end a reply, and a reply cut off is not learnt from.
    context = stage_context(chat_model, folder, metric=lambda _: TokenF1(), engine=lambda _: FakeEngine("At nine."))
    spec = host.registry.get(MethodSpec, name)
    check_method(spec.build(spec.options.model_validate({"epochs": 1, **METHODS[name]}), context), folder)
