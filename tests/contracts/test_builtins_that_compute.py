"""The built-ins that need a model go through the conformance suite with tiny random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.host import PluginHost
from loresmith.specs import (
    EmbedderSpec,
    EngineSpec,
    MethodSpec,
    RetrieverContext,
    RetrieverSpec,
    StageContext,
    StoreSpec,
)
from loresmith.testing import SAMPLE_EXAMPLES, check_embedder, check_engine, check_method, check_retriever
from loresmith.values import Chunk
from tiny_models import write_chat_model, write_encoder

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
    for spec in host.registry.of(EngineSpec):
        check_engine(spec.build(spec.options.model_validate({"max_tokens": 6}), chat_model))


def test_method_conforms(host: PluginHost, chat_model: Path, tmp_path: Path) -> None:
    for spec in host.registry.of(MethodSpec):
        folder = tmp_path / spec.name
        folder.mkdir()
        events: list[Any] = []
        context = StageContext(
            base=chat_model,
            adapter=None,
            instructions="You answer.",
            train=SAMPLE_EXAMPLES,
            dev=SAMPLE_EXAMPLES[:1],
            preferences=(),
            folder=folder,
            seed=1,
            resume=False,
            make=lambda name, options: None,
            event=events.append,
            stopping=lambda: False,
        )
        options = spec.options.model_validate({"passages": 0, "epochs": 1}) if spec.name == "sft" else spec.options()
        check_method(spec.build(options, context), folder)
