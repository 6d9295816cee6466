"""Packed rows are read as if each stood alone, or not packed at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import TrainError
from loresmith_plugins.training.packing import require_rows_kept_apart
from tiny_stage import EXAMPLES, Stage, plain_loss, plain_model


def test_packed_examples_have_the_loss_of_each_alone(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    losses = []
    for packing in (True, False):
        stage = Stage(
            chat_model, tmp_path / str(packing), adapter=adapters[0],
            options={"packing": packing, "batch": 8, "epochs": 3},
        )  # fmt: skip
        stage.run()
        losses.append(stage.losses())
    alone = plain_loss(plain_model(chat_model, adapters[0]), chat_model, EXAMPLES).item()
    assert losses[0][0] == pytest.approx(alone, rel=1e-5)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_packed_batches_hold_every_example_once_in_any_company(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, options={"packing": True, "batch": 3, "epochs": 2})
    stage.run()
    tokens = [step["tokens"] for step in stage.steps()]
    assert len(tokens) == 6
    assert tokens[5] == 2 * tokens[2]


def test_a_model_that_lets_packed_rows_see_each_other_is_not_packed() -> None:
    import torch
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(1)
    model: Any = MambaForCausalLM(MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=1))
    with pytest.raises(TrainError, match=r'of kind "mamba" .* lets packed rows see each other') as refused:
        require_rows_kept_apart(model)
    assert "Leave `packing` out" in refused.value.hint
