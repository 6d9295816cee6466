"""Drawn replies hang on the seed and the position alone, and follow the model's distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.values import Message, Sampling
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel
from loresmith_plugins.engines.transformers.drawing import LIKELIEST, drawn, draws

CHAIN: list[list[Message]] = [
    [{"role": "system", "content": "You answer."}, {"role": "user", "content": "why " * n}]
    for n in (1, 9, 3, 30, 1, 12)
]


def engine(chat_model: Path, batch_tokens: int = 4096) -> TransformersChatModel:
    return TransformersChatModel.load(chat_model, max_tokens=16, batch_tokens=batch_tokens)


def texts(engine: TransformersChatModel, sampling: Sampling | None, count: int = len(CHAIN)) -> list[str]:
    return [completion.text for completion in engine.complete(CHAIN[:count], sampling=sampling)]


def test_a_row_is_drawn_alike_in_every_batch_and_unlike_with_another_seed(chat_model: Path) -> None:
    sampling = Sampling(temperature=8.0, seed=3)
    whole = texts(engine(chat_model), sampling)
    assert texts(engine(chat_model), sampling) == whole
    # One row a batch, and fewer rows beside it.
    assert texts(engine(chat_model, 256), sampling) == whole
    assert texts(engine(chat_model), sampling, 3) == whole[:3]
    assert texts(engine(chat_model), Sampling(temperature=8.0, seed=4)) != whole
    # The same conversation at another position is drawn anew.
    assert CHAIN[0] == CHAIN[4]
    assert whole[0] != whole[4]


def test_cold_or_narrow_sampling_is_greedy(chat_model: Path) -> None:
    greedy = texts(engine(chat_model), None)
    assert texts(engine(chat_model), Sampling(temperature=1e-3)) == greedy
    assert texts(engine(chat_model), Sampling(temperature=8.0, top_p=1e-6)) == greedy
    assert texts(engine(chat_model), Sampling(temperature=8.0)) != greedy


def shares(probabilities: Any, sampling: Sampling, count: int = 20_000) -> Any:
    """Return how often each token is drawn from one distribution, as shares."""
    import torch

    logits = torch.tensor(probabilities).log().expand(count, -1)
    found = drawn(logits, torch.rand(count, generator=torch.Generator().manual_seed(1)), sampling)
    return torch.bincount(found, minlength=len(probabilities)) / count


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(), [0.1, 0.5, 0.0, 0.3, 0.1]),
        (Sampling(temperature=0.5), [0.0278, 0.6944, 0.0, 0.25, 0.0278]),
        (Sampling(top_p=0.7), [0.0, 0.625, 0.0, 0.375, 0.0]),
        (Sampling(top_p=0.45), [0.0, 1.0, 0.0, 0.0, 0.0]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_should_be(sampling: Sampling, wanted: list[float]) -> None:
    import torch

    found = shares([0.1, 0.5, 0.0, 0.3, 0.1], sampling)
    assert torch.allclose(found, torch.tensor(wanted), atol=0.012)
    assert not found[torch.tensor(wanted) == 0].any()


def test_a_nucleus_wider_than_what_is_ranked_first_is_whole() -> None:
    import torch

    size = LIKELIEST * 2
    found = shares([1 / size] * size, Sampling(top_p=0.75), 8_000)
    assert int((found > 0).sum()) == pytest.approx(size * 0.75, abs=1)
    assert torch.isclose(found.sum(), torch.tensor(1.0))


def test_the_highest_number_never_draws_what_cannot_be() -> None:
    import torch

    highest = torch.tensor([1 - 2**-24])
    for tail in ([0.6, 0.4, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]):
        for sampling in (Sampling(), Sampling(top_p=0.99)):
            token = int(drawn(torch.tensor([tail]).log(), highest, sampling))
            assert tail[token] > 0


def test_numbers_hang_on_seed_and_position() -> None:
    import torch

    assert torch.equal(draws(Sampling(seed=1), 2, 9), draws(Sampling(seed=1), 2, 9))
    assert not torch.equal(draws(Sampling(seed=1), 2, 9), draws(Sampling(seed=2), 1, 9))
    assert torch.equal(draws(Sampling(seed=1), 2, 9)[:4], draws(Sampling(seed=1), 2, 4))
