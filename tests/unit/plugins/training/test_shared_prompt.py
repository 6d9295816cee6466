"""Prompts that are read once give the log-probabilities and gradients that reading them again would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith_plugins.training.shared_prompt import read_prompts_once, reply_log_probabilities

SYSTEM = list(range(40, 60))
ROWS = {
    "pairs, some prompts longer than others": [
        ([*SYSTEM, 7, 8], [9, 2]), ([*SYSTEM, 11, 12, 13, 14], [15, 16, 17, 2]),
        ([*SYSTEM, 7, 8], [18, 19, 20, 2]), ([*SYSTEM, 11, 12, 13, 14], [21, 2]),
    ],
    "nothing in common": [([5, 6, 7], [8, 9, 2]), ([15, 16], [17, 2]), ([25, 26, 27, 28], [29, 2])],
    "one prompt": [([*SYSTEM, 7], [9, 2]), ([*SYSTEM, 7], [10, 11, 2])],
    "a row alone": [([*SYSTEM, 7], [9, 2])],
    "a prompt that begins another": [([*SYSTEM], [9, 2]), ([*SYSTEM, 7], [10, 11, 2])],
}  # fmt: skip


def batch_of(rows: list[tuple[list[int], list[int]]]) -> dict[str, Any]:
    import torch

    length = max(len(prompt) + len(reply) for prompt, reply in rows)
    ids, mask, labels = (torch.full((len(rows), length), fill) for fill in (0, 0, -100))
    for i, (prompt, reply) in enumerate(rows):
        whole = len(prompt) + len(reply)
        ids[i, :whole] = torch.tensor(prompt + reply)
        mask[i, :whole] = 1
        labels[i, len(prompt) : whole] = torch.tensor(reply)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def adapted(base: Path) -> Any:
    import torch

    from loresmith_plugins.training.adapters import trainable_model
    from loresmith_plugins.training.options import AdapterOptions

    torch.manual_seed(3)
    model = trainable_model(base, AdapterOptions(), None)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    return model


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_log_probabilities_and_gradients_are_those_of_trl(
    chat_model: Path, rows: list[tuple[list[int], list[int]]]
) -> None:
    import torch
    from trl.trainer.utils import add_fused_lm_head

    model, given = adapted(chat_model), batch_of(rows)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    add_fused_lm_head(model.get_base_model())
    found = []
    for once in (False, True):
        if once:
            assert read_prompts_once(model)
        out = model(**given, use_cache=False, fused_lm_head=True).log_probs
        scale = torch.linspace(-1, 2, len(rows))
        found.append((out.detach(), torch.autograd.grad((out.sum(dim=1) * scale).sum(), weights)))
    (plain, plain_gradients), (shared, shared_gradients) = found
    assert plain.shape == shared.shape
    assert torch.allclose(plain, shared, rtol=1e-4, atol=1e-4)
    for one, other in zip(plain_gradients, shared_gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3 * one.abs().max().item())


def test_replies_are_scored_in_the_order_given_whatever_the_batch(chat_model: Path) -> None:
    model = adapted(chat_model)
    assert read_prompts_once(model)
    rows = [row for some in ROWS.values() for row in some]
    alone = [reply_log_probabilities(model, [row], 1)[0] for row in rows]
    assert reply_log_probabilities(model, rows, 2) == pytest.approx(alone, rel=1e-4)
    assert reply_log_probabilities(model, [], 2) == []


def test_without_trls_flag_a_model_answers_as_before(chat_model: Path) -> None:
    import torch

    model = adapted(chat_model)
    ids = torch.tensor([[5, 6, 7, 8]])
    before = model(input_ids=ids).logits
    read_prompts_once(model)
    assert torch.equal(model(input_ids=ids).logits, before)
