"""Steps are what they are said to be, however they are cut, and memory that runs out is told as what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import TrainError
from loresmith_plugins.training.loss import Batch, TrainedTokenLoss
from tiny_stage import EXAMPLES, Stage, adapter_weights, same_weights

OFTEN = {"checkpoint_seconds": 1e-9}


def test_accumulated_batches_are_one_large_batch(chat_model: Path, tmp_path: Path) -> None:
    import torch

    found = {}
    for name, options in (("large", {"batch": 6}), ("cut", {"batch": 2, "accumulation": 3})):
        stage = Stage(chat_model, tmp_path / name, options={"epochs": 3, **options})
        found[name] = (stage.run(), stage)
    large, cut = found["large"], found["cut"]
    assert cut[0].steps == large[0].steps == 6
    assert cut[1].losses() == pytest.approx(large[1].losses(), rel=1e-3)
    assert [step["tokens"] for step in cut[1].steps()] == [step["tokens"] for step in large[1].steps()]
    one, two = (adapter_weights(result.adapter) for result, _ in (large, cut) if result.adapter)
    assert all(torch.allclose(one[name], two[name], atol=2e-3) for name in one)


@pytest.mark.parametrize("how", ["cpu", "accelerator"])
def test_memory_that_runs_out_names_the_batch_and_what_to_lower_and_spares_the_checkpoint(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    import torch

    unbroken = Stage(chat_model, tmp_path / "unbroken", options=OFTEN).run().adapter
    stage = Stage(chat_model, tmp_path / "small", options=OFTEN)
    plain = TrainedTokenLoss.__call__

    def call(loss: TrainedTokenLoss, batch: Batch) -> Any:
        if len(stage.steps()) == 3 and how == "cpu":
            return torch.empty(2**60, dtype=torch.uint8)
        if len(stage.steps()) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return plain(loss, batch)

    with monkeypatch.context() as patch:
        patch.setattr(TrainedTokenLoss, "__call__", call)
        with pytest.raises(TrainError, match=r"memory ran out at step 4, on a batch of 4 rows, the longest of") as out:
            stage.run()
    assert all(word in out.value.hint for word in ("`batch`", "accumulation", "gradient_checkpointing", "qlora"))
    resumed = Stage(chat_model, tmp_path / "small", options=OFTEN, resume=True)
    adapter = resumed.run().adapter
    assert [step["step"] for step in resumed.steps()] == [4]
    assert unbroken is not None
    assert adapter is not None
    assert same_weights(unbroken, adapter)


def test_memory_that_runs_out_while_looking_says_so(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    plain = TrainedTokenLoss.__call__

    def call(loss: TrainedTokenLoss, batch: Batch) -> Any:
        return plain(loss, batch) if torch.is_grad_enabled() else torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr(TrainedTokenLoss, "__call__", call)
    with pytest.raises(TrainError, match="memory ran out at the look after step 2"):
        Stage(chat_model, tmp_path).run()


def test_another_error_of_the_arithmetic_is_not_taken_for_memory(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(_: TrainedTokenLoss, batch: Batch) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(TrainedTokenLoss, "__call__", call)
    with pytest.raises(RuntimeError, match="mat1"):
        Stage(chat_model, tmp_path, train=EXAMPLES[:1]).run()
