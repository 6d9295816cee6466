"""However the loop saves work, its losses and its steps are those of the plain computation."""

from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.values import Example
from tiny_stage import EXAMPLES, INSTRUCTIONS, Stage, adapter_weights, plain_loss, plain_model

WHOLE = {"batch": len(EXAMPLES)}


def test_the_loss_is_that_of_all_logits_under_masked_labels(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    for number, adapter in enumerate((None, adapters[0])):
        stage = Stage(chat_model, tmp_path / str(number), adapter=adapter, options=WHOLE | {"epochs": 1})
        stage.run()
        expected = plain_loss(plain_model(chat_model, adapter), chat_model, EXAMPLES).item()
        assert stage.losses() == [pytest.approx(expected, rel=1e-5)]


def test_the_loss_of_a_single_long_row_is_right_too(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, train=EXAMPLES[4:5], dev=EXAMPLES[:3], options={"epochs": 1})
    stage.run()
    expected = plain_loss(plain_model(chat_model, None), chat_model, EXAMPLES[4:5]).item()
    assert stage.losses() == [pytest.approx(expected, rel=1e-5)]


@pytest.mark.parametrize("instructions", [INSTRUCTIONS, "Hi"], ids=["long beginning shared", "short beginning shared"])
def test_steps_follow_plain_peft_and_adamw(
    chat_model: Path,
    adapters: tuple[Path, Path],
    tmp_path: Path,
    instructions: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.setattr("tiny_stage.INSTRUCTIONS", instructions)
    options = WHOLE | {"epochs": 6, "weight_decay": 0.1, "max_grad_norm": 0.5}
    stage = Stage(chat_model, tmp_path, adapter=adapters[0], instructions=instructions, options=options)
    result = stage.run()

    model = plain_model(chat_model, adapters[0], trainable=True)
    learning = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(learning.values(), lr=0.01, weight_decay=0.1)
    losses = []
    for step in stage.steps():
        optimizer.param_groups[0]["lr"] = step["learning_rate"]
        loss = plain_loss(model, chat_model, EXAMPLES)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning.values(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert stage.losses() == pytest.approx(losses, rel=1e-3)
    assert losses[-1] < losses[0] - 0.1

    assert result.adapter is not None
    assert result.best_step == result.steps
    got = adapter_weights(result.adapter)
    for name, weight in learning.items():
        assert torch.allclose(got[name.replace(".default", "")], weight, atol=2e-3), name


def test_the_dev_loss_is_that_of_the_weights_at_that_step(chat_model: Path, tmp_path: Path) -> None:
    result = Stage(chat_model, tmp_path, options={"epochs": 3}).run()
    model = plain_model(chat_model, result.adapter)
    assert result.dev_loss == pytest.approx(plain_loss(model, chat_model, EXAMPLES[:2]).item(), rel=1e-5)


def test_gradient_checkpointing_saves_memory_and_changes_no_loss(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    losses = []
    for checkpointing in (False, True):
        options = {"gradient_checkpointing": checkpointing, "epochs": 3}
        stage = Stage(chat_model, tmp_path / str(checkpointing), adapter=adapters[0], options=options)
        stage.run()
        losses.append(stage.losses())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_rate_rises_in_the_warm_up_and_falls_to_nearly_nothing(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, options={"epochs": 10, "warmup": 0.25, "learning_rate": 0.002})
    stage.run()
    rates = [step["learning_rate"] for step in stage.steps()]
    assert len(rates) == 20
    assert rates[:5] == sorted(rates[:5])
    assert max(rates) == pytest.approx(0.002)
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.0001


def test_an_example_with_nothing_to_learn_only_takes_no_part(chat_model: Path, tmp_path: Path) -> None:
    read_only = Example.of(
        [
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "Me.", "trained": False},
        ]
    )
    losses = []
    for name, train in (("with", [*EXAMPLES, read_only]), ("without", EXAMPLES)):
        stage = Stage(chat_model, tmp_path / name, train=train, options={"batch": 9, "epochs": 1})
        stage.run()
        losses += stage.losses()
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
