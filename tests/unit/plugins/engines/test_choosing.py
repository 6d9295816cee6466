"""What options are worth is what the plain model says of prompt and option together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError
from loresmith.specs import ChoosingEngine
from loresmith.values import Message
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

OPTIONS = ("A", "B", "Yes, indeed", "No")


def asked(question: str) -> list[Message]:
    return [{"role": "system", "content": "You judge."}, {"role": "user", "content": question}]


CONVERSATIONS = [asked("A or B?"), asked("x" * 90), asked("Really?"), asked("")]


def engine(chat_model: Path, batch_tokens: int = 4096) -> TransformersChatModel:
    return TransformersChatModel.load(chat_model, max_tokens=16, batch_tokens=batch_tokens)


def plainly(loaded: Any, messages: list[Message], option: str) -> float:
    """Return the log-probability of an option: one forward pass over prompt and option, nothing shared."""
    import torch

    prompt = loaded.format.prompt_ids(messages)
    ids = loaded.format.tokenizer.encode(option, add_special_tokens=False)
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
    return sum(float(logits[len(prompt) + i - 1, token]) for i, token in enumerate(ids))


@pytest.mark.parametrize("batch_tokens", [4096, 256], ids=["one batch", "one row a batch"])
def test_options_are_worth_what_the_plain_model_says(chat_model: Path, batch_tokens: int) -> None:
    from loresmith_plugins.engines.transformers.load import load_model

    loaded, judge = load_model(chat_model), engine(chat_model, batch_tokens)
    assert isinstance(judge, ChoosingEngine)
    found = judge.log_probabilities(CONVERSATIONS, OPTIONS)
    for messages, values in zip(CONVERSATIONS, found, strict=True):
        assert values == pytest.approx([plainly(loaded, messages, option) for option in OPTIONS], abs=2e-3)


def test_no_option_and_no_conversation_give_nothing(chat_model: Path) -> None:
    assert engine(chat_model).log_probabilities([], OPTIONS) == []
    assert engine(chat_model).log_probabilities(CONVERSATIONS[:2], []) == [[], []]
    assert engine(chat_model).log_probabilities(CONVERSATIONS[:1], ["A", ""])[0][1] == 0


def test_prompts_beyond_the_window_are_refused_by_number(chat_model: Path) -> None:
    with pytest.raises(DataError) as refused:
        engine(chat_model).log_probabilities([asked("A?"), asked("x" * 600)], OPTIONS)
    assert [problem.key for problem in refused.value.problems] == ["question 2"]
