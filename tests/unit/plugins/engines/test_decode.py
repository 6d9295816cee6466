"""Decoding many prompts at once says what decoding each by itself says, and what transformers' own `generate` says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loresmith_plugins.engines.transformers.decode import Decoder, Row
from loresmith_plugins.engines.transformers.load import LoadedModel, load_model

# Ids that the model's replies do contain, so that some end early, some late and some not at all.
ENDS = frozenset({2, 37, 188, 220, 250})
MAX_TOKENS = 24


@pytest.fixture(scope="module")
def loaded(chat_model: Path) -> LoadedModel:
    return load_model(chat_model)


def prompts_of(count: int, *, prefix: int, shortest: int, longest: int, seed: int = 3) -> list[list[int]]:
    chance = random.Random(seed)
    shared = [chance.randrange(3, 250) for _ in range(prefix)]
    return [shared + [chance.randrange(3, 250) for _ in range(chance.randint(shortest, longest))] for _ in range(count)]


def decoder(loaded: LoadedModel, *, max_tokens: int = MAX_TOKENS, batch_tokens: int = 100_000) -> Decoder:
    return Decoder(loaded.model, ENDS, max_tokens, batch_tokens)


def generated(model: Any, prompt: Sequence[int], max_tokens: int = MAX_TOKENS) -> list[int]:
    """Return the reply that transformers generates, without its end."""
    import torch

    ids = torch.tensor([prompt])
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=max_tokens,
        eos_token_id=sorted(ENDS),
        pad_token_id=2,
    )
    reply: list[int] = out[0, len(prompt) :].tolist()
    return reply[:-1] if reply and reply[-1] in ENDS else reply


def replies(rows: Sequence[Row]) -> list[list[int]]:
    return [row.reply for row in rows]


SHAPES = {
    "one prompt": {"count": 1, "prefix": 0, "shortest": 12, "longest": 12},
    "like lengths": {"count": 6, "prefix": 0, "shortest": 20, "longest": 20},
    "unlike lengths": {"count": 12, "prefix": 0, "shortest": 1, "longest": 60},
    "a shared prefix": {"count": 12, "prefix": 30, "shortest": 1, "longest": 60},
    "a prefix too short to share": {"count": 6, "prefix": 3, "shortest": 5, "longest": 20},
    "more than is read in one pass": {"count": 50, "prefix": 20, "shortest": 60, "longest": 180},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_batch_says_what_generate_says(loaded: LoadedModel, shape: dict[str, int]) -> None:
    prompts = prompts_of(**shape)
    rows = decoder(loaded).decode(prompts)
    assert [row.prompt for row in rows] == prompts
    for row in rows[:: max(1, len(rows) // 12)]:
        assert row.reply == generated(loaded.model, row.prompt)


def test_replies_of_the_tiny_model_end_early_late_and_not_at_all(loaded: LoadedModel) -> None:
    """The other tests hang on this: rows leave the batch at different steps, and some by their length."""
    rows = decoder(loaded).decode(prompts_of(**SHAPES["a shared prefix"]))
    lengths = {len(row.reply) for row in rows}
    assert len(lengths) > 3
    assert {row.finished for row in rows} == {True, False}


def test_batched_replies_are_those_of_one_prompt_at_a_time(loaded: LoadedModel) -> None:
    prompts = prompts_of(**SHAPES["a shared prefix"])
    alone = [decoder(loaded).decode([prompt])[0].reply for prompt in prompts]
    assert replies(decoder(loaded).decode(prompts)) == alone


@pytest.mark.parametrize("batch_tokens", [1, 150, 400])
def test_little_room_changes_the_batches_and_not_the_replies(loaded: LoadedModel, batch_tokens: int) -> None:
    prompts = prompts_of(**SHAPES["a shared prefix"])
    seen: list[tuple[int, int]] = []
    rows = decoder(loaded, batch_tokens=batch_tokens).decode(prompts, lambda done, of: seen.append((done, of)))
    assert replies(rows) == replies(decoder(loaded).decode(prompts))
    assert len(seen) > 2


def test_a_prompt_that_is_the_beginning_of_another_is_decoded_like_any(loaded: LoadedModel) -> None:
    (whole,) = prompts_of(1, prefix=0, shortest=40, longest=40)
    prompts = [whole[:25], whole, whole[:24], whole]
    assert replies(decoder(loaded).decode(prompts)) == [generated(loaded.model, prompt) for prompt in prompts]


def test_a_reply_stops_at_the_end_of_turn_which_is_not_part_of_it(loaded: LoadedModel) -> None:
    for row in decoder(loaded).decode(prompts_of(**SHAPES["a shared prefix"])):
        assert not ENDS & set(row.reply)
        assert row.finished == (len(row.reply) < MAX_TOKENS) or len(row.reply) == MAX_TOKENS


@pytest.mark.parametrize("max_tokens", [1, 2, 7])
def test_a_reply_stops_at_its_longest_length(loaded: LoadedModel, max_tokens: int) -> None:
    prompts = prompts_of(**SHAPES["unlike lengths"])
    rows = decoder(loaded, max_tokens=max_tokens).decode(prompts)
    long = replies(decoder(loaded).decode(prompts))
    assert replies(rows) == [reply[:max_tokens] for reply in long]
    assert any(not row.finished and len(row.reply) == max_tokens for row in rows)


def test_progress_counts_every_prompt_once(loaded: LoadedModel) -> None:
    seen: list[tuple[int, int]] = []
    decoder(loaded, batch_tokens=300).decode(prompts_of(**SHAPES["unlike lengths"]), lambda *at: seen.append(at))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (12, 12)
    assert {of for _, of in seen} == {12}


def test_each_row_has_its_share_of_the_time(loaded: LoadedModel) -> None:
    import time

    started = time.perf_counter()
    rows = decoder(loaded).decode(prompts_of(**SHAPES["unlike lengths"]))
    assert all(row.seconds > 0 for row in rows)
    assert sum(row.seconds for row in rows) <= time.perf_counter() - started


def test_no_prompts_give_no_rows(loaded: LoadedModel) -> None:
    assert decoder(loaded).decode([]) == []


def test_streamed_tokens_are_those_of_a_batch(loaded: LoadedModel) -> None:
    prompts = prompts_of(**SHAPES["a shared prefix"])
    assert [list(decoder(loaded).stream(prompt)) for prompt in prompts] == replies(decoder(loaded).decode(prompts))
