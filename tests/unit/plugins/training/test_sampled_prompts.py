"""Prompts are those that are served, in an order that hangs on the seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from loresmith.assistant.prompt import assemble
from loresmith.errors import DataError
from loresmith_plugins.engines.transformers.load import load_format
from loresmith_plugins.training.sampled_prompts import draw_seed, prompts_of, schedule
from tiny_stage import EXAMPLES, INSTRUCTIONS


def test_a_prompt_is_token_by_token_what_the_engine_reads(chat_model: Path) -> None:
    chat = load_format(chat_model)
    for prompt, example in zip(prompts_of(EXAMPLES, INSTRUCTIONS, chat, 400), EXAMPLES, strict=True):
        assert list(prompt.ids) == chat.prompt_ids(assemble(INSTRUCTIONS, example.prompt))
        assert chat.tokenizer.decode(prompt.ids).endswith(f"{example.question}<|im_end|>\n<|im_start|>assistant\n")


def test_all_prompts_without_room_for_a_reply_are_named(chat_model: Path) -> None:
    with pytest.raises(DataError, match="at most 130 tokens") as refused:
        prompts_of(EXAMPLES, INSTRUCTIONS, load_format(chat_model), 130)
    assert [(problem.file, problem.line) for problem in refused.value.problems] == [("data.jsonl", 5)]


def test_an_epoch_goes_through_every_prompt_once_and_half_an_epoch_through_half() -> None:
    steps = schedule(10, 4, 2, seed=1)
    assert [len(step) for step in steps] == [4, 4, 2] * 2
    assert Counter(i for step in steps for i in step) == dict.fromkeys(range(10), 2)
    assert schedule(10, 5, 0.5, seed=1) == schedule(10, 5, 1, seed=1)[:1]
    assert schedule(10, 4, 2, seed=2) != steps == schedule(10, 4, 2, seed=1)


def test_every_step_draws_other_replies() -> None:
    assert len({draw_seed(seed, step) for seed in (1, 2) for step in range(-1, 50)}) == 102
