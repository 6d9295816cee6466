"""Kahneman-Tversky optimization (Ethayarajh et al., 2024, arXiv:2402.01306), through TRL's KTOTrainer.

Loss of a reply y to x, with r = β · log π(y|x) / π_ref(y|x):

    liked     L = λ_D · (1 - σ(r - z))
    disliked  L = λ_U · (1 - σ(z - r))        z = β · max(0, mean over the batch of log π(y'|x) / π_ref(y'|x))

y' is the reply of another row of the batch: z is how far the model has drifted on replies that are beside the point.
π_ref is the model as the stage found it, with the adapter of the stage before.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoConfig
from trl import KTOConfig, KTOTrainer

from loresmith.ladder.stats import mean_interval, share_interval
from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith.values import Preference
from loresmith_plugins.engines.transformers.load import load_format, window_of
from loresmith_plugins.methods.kto import KtoOptions
from loresmith_plugins.training.adapters import trainable, trainable_model
from loresmith_plugins.training.checkpoints import fingerprint
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.low_rank import fuse
from loresmith_plugins.training.outcome import left_behind
from loresmith_plugins.training.pair_figures import RESAMPLES
from loresmith_plugins.training.preference_receipt import thumbs_receipt
from loresmith_plugins.training.preference_rows import (
    PreferenceRows,
    Thumb,
    is_empty,
    is_pair,
    kept_apart,
    prefers,
    reply_row,
)
from loresmith_plugins.training.rows import length_grouped_batches
from loresmith_plugins.training.shared_prompt import STATISTICS, read_prompts_once, reply_log_probabilities
from loresmith_plugins.training.trl_stage import OnStage, TrlStage, as_given, failures_named


class KtoTrainer:
    """One stage on judged replies.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
    """

    def __init__(self, options: KtoOptions, context: StageContext) -> None:
        self.options, self.context = options, context
        check_fit(options, context.base, context.adapter)
        self.chat = load_format(context.base)
        window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        rows = PreferenceRows(context.instructions, self.chat, window)
        train, self.dev = kept_apart(rows.thumbs(judged(context.preferences)), options.dev, context.seed)
        self.held_out = rows.thumbs([*judged(context.held_out, pairs=True)])
        self.batches = in_company(train, options.batch, context.seed)
        self.train_rows = [thumb for batch in self.batches for thumb in batch]

    def receipt(self) -> MaskReceipt:
        """Say what is trained, liked and disliked replies alike; raises as `thumbs_receipt`."""
        weights = (self.options.liked_weight, self.options.disliked_weight)
        return thumbs_receipt(self.train_rows, self.context.preferences, len(self.held_out), weights, self.chat)

    def train(self) -> StageResult:
        """Run the stage: raises `TrainError` when the loss is not finite, `Interrupted` when asked to stop."""
        options, context = self.options, self.context
        torch.manual_seed(context.seed)
        with failures_named(options):
            model = trainable_model(context.base, options, context.adapter)
            weights = trainable(model)
            stage = TrlStage(options, context, self._fingerprint(), left_out=STATISTICS)
            with as_given(model):
                trainer = self._trainer(model, stage)
            fuse(model)
            if not options.gradient_checkpointing:
                read_prompts_once(model)
            before = self._log_probabilities(model, self.held_out)
            self._add_reference(trainer, model)
            stage.run(trainer, weights, self._order())
            after = self._log_probabilities(model, self.held_out)
        gained = [b - a for a, b in zip(before, after, strict=True)]
        rows = [(t.prompt, reply_row(t.prompt, t.reply, t.place)) for t in self.held_out or self.train_rows]
        return left_behind(stage, model, rows, {"held_out": thumb_figures(self.held_out, gained, context.seed)})

    def _trainer(self, model: Any, stage: TrlStage) -> Any:
        options = self.options
        settings = stage.settings(
            KTOConfig,
            beta=options.beta,
            loss_type=options.loss,
            desirable_weight=options.liked_weight,
            undesirable_weight=options.disliked_weight,
            disable_dropout=not options.dropout,
            max_length=None,
            precompute_ref_log_probs=True,
        )
        return _Kto(
            model,
            args=settings,
            train_dataset=_dataset(self.batches),
            eval_dataset=_dataset([self.dev]) if self.dev else None,
            processing_class=self.chat.tokenizer,
        )

    def _add_reference(self, trainer: Any, model: Any) -> None:
        """Put the log-probabilities of the model as it is now beside the rows."""
        trainer.train_dataset = self._with_reference(trainer.train_dataset, model)
        if self.dev:
            trainer.eval_dataset = self._with_reference(trainer.eval_dataset, model)

    def _with_reference(self, dataset: Any, model: Any) -> Any:
        for reply, column in (("completion_ids", "ref_logps"), ("KL_completion_ids", "ref_KL_logps")):
            replies = list(zip(dataset["prompt_ids"], dataset[reply], strict=True))
            found = reply_log_probabilities(model, replies, self.options.batch, self.context.progress)
            dataset = dataset.add_column(column, found)
        return dataset

    def _log_probabilities(self, model: Any, thumbs: Sequence[Thumb]) -> list[float]:
        replies = [(thumb.prompt, thumb.reply) for thumb in thumbs]
        return reply_log_probabilities(model, replies, self.options.batch, self.context.progress)

    def _order(self) -> list[list[int]]:
        """Return the batches of all epochs by position: the same company every time, in another order."""
        ends = [0]
        for batch in self.batches:
            ends.append(ends[-1] + len(batch))
        epoch = [list(range(a, b)) for a, b in pairwise(ends)]
        order: list[list[int]] = []
        for number in range(math.ceil(self.options.epochs)):
            order += random.Random(f"{self.context.seed}:{number}").sample(epoch, len(epoch))
        return order[: max(1, round(len(epoch) * self.options.epochs))]

    def _fingerprint(self) -> str:
        rows = [[t.prompt, t.reply, t.liked] for t in (*self.train_rows, *self.dev)]
        return fingerprint(self.context, self.options, rows)


class _Kto(OnStage, KTOTrainer):
    """TRL's trainer on rows that are token ids already, with a reference that is computed before."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset


def judged(preferences: Sequence[Preference], *, pairs: bool = False) -> list[Preference]:
    """Return the judged replies; a pair gives a liked and a disliked one where none is judged, or if `pairs`."""
    single = [p for p in preferences if not is_pair(p)]
    if single and not pairs:
        return single
    both = [p for p in preferences if prefers(p) and not is_empty(p)]
    return [
        *single,
        *(
            Preference(f"{p.id}-{liked}", p.prompt, reply=reply, liked=liked, place=p.place)
            for p in both
            for reply, liked in ((p.chosen, True), (p.rejected, False))
        ),
    ]


def in_company(rows: Sequence[Thumb], size: int, seed: int) -> list[list[Thumb]]:
    """Return the rows in batches of like length, none alone, and neighbours of different prompts where it can be.

    The drift is measured on the reply of the neighbour, which should be beside the point.
    """
    batches = length_grouped_batches(rows, size, random.Random(f"{seed}"), len)
    lone = [batch for batch in batches if len(batch) == 1]
    kept = [batch for batch in batches if len(batch) > 1] or [[]]
    kept[-1].extend(row for batch in lone for row in batch)
    for batch in kept:
        seen: Counter[tuple[int, ...]] = Counter()
        turn = {}
        for row in batch:
            turn[id(row)] = seen[row.prompt]
            seen[row.prompt] += 1
        batch.sort(key=lambda row: turn[id(row)])
    return kept


def thumb_figures(thumbs: Sequence[Thumb], gained: Sequence[float], seed: int) -> dict[str, Any]:
    """Return what a stage did to held-out replies: how many moved the right way, and by how much each kind (nats)."""
    if not thumbs:
        return {"replies": 0}
    right = sum((gain > 0) == thumb.liked for thumb, gain in zip(thumbs, gained, strict=True))
    found: dict[str, Any] = {"replies": len(thumbs), "moved_right": asdict(share_interval(right, len(thumbs)))}
    for name, liked in (("liked", True), ("disliked", False)):
        some = [gain for thumb, gain in zip(thumbs, gained, strict=True) if thumb.liked == liked]
        if some:
            found[name] = asdict(mean_interval(some, RESAMPLES, seed))
    return found


def _dataset(batches: Sequence[Sequence[Thumb]]) -> Any:
    """Return the rows of batches, each with the reply of the row before it in its batch."""
    rows = [thumb for batch in batches for thumb in batch]
    others = [batch[i - 1].reply for batch in batches for i in range(len(batch))]
    return Dataset.from_dict(
        {
            "prompt_ids": [list(thumb.prompt) for thumb in rows],
            "completion_ids": [list(thumb.reply) for thumb in rows],
            "KL_completion_ids": [list(reply) for reply in others],
            "label": [thumb.liked for thumb in rows],
        }
    )
