"""Log-probabilities of replies, what their prompts have in common read once: for the losses of TRL.

TRL asks a model for `model(input_ids, attention_mask, labels, fused_lm_head=True)` and takes the log-probabilities of
the labelled tokens from it. It reads the prompt of a pair twice, with chosen and with rejected, and takes entropy and
other statistics over the whole vocabulary. Here a batch is read in up to three passes, each on the keys and values of
the one before, through which the gradient flows:

    what all rows begin with (1 row) → the rest of each prompt (a row a prompt) → the replies (a row a reply)

The log-probabilities are the same up to rounding; the statistics are left out, as NaN.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers.cache_utils import DynamicCache

from loresmith_plugins.engines.transformers.prefill import common_prefix
from loresmith_plugins.training.loss import SHORTEST_SHARED, backbone_and_head

STATISTICS = frozenset({"entropy", "mean_token_accuracy", "logits/chosen", "logits/rejected"})
"""What TRL reports of the statistics that are left out here."""


@dataclass(frozen=True, slots=True)
class LogProbabilities:
    """What TRL's losses read.

    Args:
        log_probs: (rows, length - 1), of the token behind each position in nats; 0 where it has no label.
        entropy: As `log_probs`, NaN: not computed; so are the others.
    """

    log_probs: torch.Tensor
    entropy: torch.Tensor
    mean_logits: torch.Tensor
    is_top1: torch.Tensor


def read_prompts_once(model: Any) -> bool:
    """Let a model that TRL has given its fused head read shared prompts once; return whether it does.

    Models whose logits are not plainly the head's are left as they are. Not with gradient checkpointing, which keeps
    no keys and values.
    """
    parts = backbone_and_head(model)
    if parts is None:
        return False
    backbone, head = parts
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    otherwise = inner.forward

    def forward(_self: Any, *inputs: Any, fused_lm_head: bool = False, **named: Any) -> Any:
        if not fused_lm_head:
            return otherwise(*inputs, **named)
        return _log_probabilities(backbone, head, named["input_ids"], named["attention_mask"], named["labels"])

    inner.forward = types.MethodType(forward, inner)
    return True


@torch.no_grad()
def reply_log_probabilities(
    model: Any,
    replies: Sequence[tuple[Sequence[int], Sequence[int]]],
    batch: int,
    told: Callable[[str, int, int], None] = lambda *_: None,
) -> list[float]:
    """Return log p(reply | prompt) in nats for each (prompt, reply), in order, from a model with TRL's fused head.

    Without dropout; the model is left in the mode it was in.

    Args:
        model: The model.
        replies: Token ids.
        batch: Twice as many rows are read at once.
        told: Told an activity, what is done of it, and its total.
    """
    was_training = model.training
    model.eval()
    # Rows of one prompt side by side, so that it is read once.
    order = sorted(range(len(replies)), key=lambda i: (len(replies[i][0]), replies[i][0]))
    found = [0.0] * len(replies)
    for start in range(0, len(order), 2 * batch):
        some = order[start : start + 2 * batch]
        like = torch.zeros(0, dtype=torch.long, device=model.device)
        ids, mask = _padded([[*replies[i][0], *replies[i][1]] for i in some], like)
        labels = torch.full_like(ids, -100)
        for row, i in enumerate(some):
            prompt, reply = (len(part) for part in replies[i])
            labels[row, prompt : prompt + reply] = ids[row, prompt : prompt + reply]
        out = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False, fused_lm_head=True)
        told("reading preferences", start + len(some), len(order))
        for i, value in zip(some, out.log_probs.sum(dim=1).tolist(), strict=True):
            found[i] = value
    model.train(was_training)
    return found


def _log_probabilities(
    backbone: Any, head: Any, ids: torch.Tensor, attention: torch.Tensor, labels: torch.Tensor
) -> LogProbabilities:
    targets = labels[:, 1:] != -100
    hidden, chosen = _hidden(backbone, _Replies.of(ids, attention, labels))
    logits = head(hidden[chosen]).float()
    found = -functional.cross_entropy(logits, labels[:, 1:][targets], reduction="none")
    log_probs = found.new_zeros(targets.shape).masked_scatter(targets, found)
    unknown = torch.full_like(log_probs, torch.nan)
    return LogProbabilities(log_probs, unknown, unknown, torch.zeros_like(targets))


@dataclass(frozen=True, slots=True)
class _Replies:
    """A batch taken apart; all padding is on the right.

    Args:
        shared: (1, s), what all prompts begin with; s may be 0.
        prompts: (prompts, p), the rest of each prompt, at least one token.
        prompt_mask: (prompts, p), 1 where there is a token.
        of_prompt: (rows), which prompt a reply belongs to.
        replies: (rows, r).
        reply_mask: (rows, r), 1 where there is a token.
    """

    shared: torch.Tensor
    prompts: torch.Tensor
    prompt_mask: torch.Tensor
    of_prompt: torch.Tensor
    replies: torch.Tensor
    reply_mask: torch.Tensor

    @classmethod
    def of(cls, ids: torch.Tensor, attention: torch.Tensor, labels: torch.Tensor) -> _Replies:
        """Take rows (rows, length) apart: the reply of a row is what is labelled, and ends it."""
        starts = (labels != -100).int().argmax(dim=1).tolist()
        ends = attention.sum(dim=1).tolist()
        rows = [row[:end] for row, end in zip(ids.tolist(), ends, strict=True)]
        prompts = [tuple(row[:start]) for row, start in zip(rows, starts, strict=True)]
        unique = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        shared = common_prefix(list(unique)) if len(unique) > 1 else 0
        shared = shared if shared >= SHORTEST_SHARED else 0
        rests, rest_mask = _padded([list(prompt[shared:]) for prompt in unique], ids)
        replies, reply_mask = _padded([row[start:] for row, start in zip(rows, starts, strict=True)], ids)
        of_prompt = torch.tensor([unique[prompt] for prompt in prompts], device=ids.device)
        return cls(ids[:1, :shared], rests, rest_mask, of_prompt, replies, reply_mask)


def _padded(rows: list[list[int]], like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows as ids padded on the right with 0, and their mask."""
    length = max(len(row) for row in rows)
    ids = like.new_tensor([row + [0] * (length - len(row)) for row in rows])
    mask = like.new_tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask


def _hidden(backbone: Any, batch: _Replies) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the hidden states before each reply token, (rows, r, hidden), and where there is one, (rows, r)."""
    shared, cache = batch.shared.shape[1], DynamicCache()
    if shared:
        backbone(input_ids=batch.shared, past_key_values=cache, use_cache=True)
        _spread(cache, torch.zeros(len(batch.prompts), dtype=torch.long, device=batch.shared.device))
    before = batch.prompt_mask.new_ones(len(batch.prompts), shared)
    mask = torch.cat([before, batch.prompt_mask], dim=1)
    positions = shared + torch.arange(batch.prompts.shape[1], device=mask.device)[None]
    prompts = _read(backbone, batch.prompts, mask, positions.expand_as(batch.prompts), cache)
    lengths = batch.prompt_mask.sum(dim=1)
    last = prompts[torch.arange(len(prompts), device=mask.device), lengths - 1]

    _spread(cache, batch.of_prompt)
    mask = torch.cat([mask[batch.of_prompt], batch.reply_mask], dim=1)
    begin = shared + lengths[batch.of_prompt]
    positions = begin[:, None] + torch.arange(batch.replies.shape[1], device=mask.device)[None]
    replies = _read(backbone, batch.replies, mask, positions, cache)
    hidden = torch.cat([last[batch.of_prompt][:, None], replies[:, :-1]], dim=1)
    return hidden, batch.reply_mask.bool()


def _read(
    backbone: Any, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: DynamicCache
) -> torch.Tensor:
    out = backbone(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    hidden: torch.Tensor = out.last_hidden_state
    return hidden


def _spread(cache: DynamicCache, rows: torch.Tensor) -> None:
    """Give each new row the keys and values of the old row that it goes on from."""
    for layer in cache.layers:
        layer.keys, layer.values = layer.keys[rows], layer.values[rows]
