"""The count of activations is what autograd keeps, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.estimate.activations import activations, kept
from loresmith.estimate.bases import read_shapes
from loresmith.estimate.plan import Plan, Rows
from tiny_models import write_chat_model

BATCH, LENGTH, SHARED, TRAINED = 3, 64, 24, 10


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_model(tmp_path_factory.mktemp("base") / "model")


def kept_by_autograd(base: Path, *, adapter: str, shared: int) -> int:
    """Bytes of all tensors that a step of the loop keeps for the backward pass, weights left out."""
    import torch

    from loresmith_plugins.training.adapters import trainable_model
    from loresmith_plugins.training.loss import Batch, TrainedTokenLoss
    from loresmith_plugins.training.low_rank import fuse
    from loresmith_plugins.training.options import AdapterOptions
    from loresmith_plugins.training.rows import Row

    model: Any = trainable_model(base, AdapterOptions.model_validate({"adapter": adapter}), None).train()
    if adapter == "lora":
        fuse(model)
    loss = TrainedTokenLoss(model, share_prefix=bool(shared))
    # Rows that have nothing in common but their beginning, the last tokens being trained.
    own = [tuple(range(20 + n, 20 + n + LENGTH - shared)) for n in range(BATCH)]
    trained = (False,) * (LENGTH - TRAINED) + (True,) * TRAINED
    rows = [Row((5,) * shared + ids, trained, "") for ids in own]
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    seen: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            # Held, lest its place be given to another.
            seen[storage.data_ptr()] = storage
        return tensor

    batch = Batch.of(rows, 0, torch.device("cpu"))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss(batch)
    return sum(storage.nbytes() for storage in seen.values())


@pytest.mark.parametrize(("adapter", "shared"), [("lora", 0), ("lora", SHARED), ("none", 0)])
def test_the_blocks_keep_what_is_counted(base: Path, adapter: Any, shared: int) -> None:
    shapes = read_shapes(base, "tiny")
    plan = Plan(adapter, Rows(LENGTH, TRAINED, shared, ""), batch=BATCH)
    logits = BATCH * TRAINED * shapes.vocabulary * 4
    found = kept_by_autograd(base, adapter=adapter, shared=shared)
    # Beside the blocks there are the rotation of positions and the ids.
    assert kept(shapes, plan, 4) + logits == pytest.approx(found, rel=0.02)
    assert kept(shapes, plan, 4) + logits < found


def test_checkpointing_keeps_the_input_of_each_block_and_one_block_in_work(base: Path) -> None:
    shapes = read_shapes(base, "tiny")
    rows = Rows(LENGTH, TRAINED, 0, "")
    every = activations(shapes, Plan("lora", rows, batch=BATCH), 4)
    once = activations(shapes, Plan("lora", rows, batch=BATCH, checkpointing=True), 4)
    block = kept(shapes, Plan("lora", rows, batch=BATCH), 4) / shapes.layers
    between = shapes.layers * BATCH * LENGTH * shapes.hidden * 4
    assert every - once == pytest.approx(block * (shapes.layers - 1) - between, rel=0.2)
