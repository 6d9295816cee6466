"""The loop of supervised fine-tuning.

Loss: L = - 1/N · sum over trained tokens t of log p(t | all before t), N the trained tokens of the step's batch.
Optimizer: AdamW (Loshchilov and Hutter, 2017, arXiv:1711.05101); the learning rate rises, then falls on a cosine.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from loresmith.errors import Interrupted, TrainError
from loresmith.files import folder_hash
from loresmith.runs.hashes import base_hash
from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith.values import Example, content_hash
from loresmith_plugins.engines.transformers.load import load_format, load_model, window_of
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.methods.sft.checkpoints import Checkpoints, Progress
from loresmith_plugins.methods.sft.lora import compute_activations_twice, save_adapter, trainable, with_lora
from loresmith_plugins.methods.sft.loss import Batch, TrainedTokenLoss
from loresmith_plugins.methods.sft.low_rank import fuse
from loresmith_plugins.methods.sft.parity import parity
from loresmith_plugins.methods.sft.rows import Row, encode, length_grouped_batches, receipt, served


class SftTrainer:
    """One supervised stage.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
    """

    def __init__(self, options: SftOptions, context: StageContext) -> None:
        from transformers import AutoConfig

        self.options, self.context = options, context
        self.chat = load_format(context.base)
        self.window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        train = _Forms.of(options, context, context.train)
        self.epochs = [self.encoded(train.epoch(number)) for number in range(math.ceil(options.epochs))]
        self.held_out = _Forms.of(options, context, context.dev).epoch(0)
        self.dev = self.encoded(self.held_out)

    def receipt(self) -> MaskReceipt:
        """Say what the first epoch trains; raises as `rows.receipt`."""
        return receipt(self.epochs[0], self.chat)

    def train(self) -> StageResult:
        """Run the stage: raises `TrainError` when the loss is not finite, `Interrupted` when asked to stop."""
        return _Training(self).run()

    def encoded(self, examples: Sequence[Example]) -> list[Row]:
        """Return the rows of examples as this stage reads them."""
        return encode(examples, self.context.instructions, self.chat, self.window)


@dataclass(frozen=True, slots=True)
class _Forms:
    """The examples in both forms: bare, and with passages in the prompt where the stage wants them."""

    plain: Sequence[Example]
    with_passages: Sequence[Example]
    share: float
    seed: int

    @classmethod
    def of(cls, options: SftOptions, context: StageContext, examples: Sequence[Example]) -> _Forms:
        made: Sequence[Example] = ()
        if options.passages:
            wanted = {"passages": options.passages, "without_right": options.without_right}
            maker = context.make("raft", wanted)
            made = maker.make(examples, context.seed) if maker else ()
        return cls(examples, made, options.plain if made else 1.0, context.seed)

    def epoch(self, number: int) -> list[Example]:
        """Return the examples of an epoch: all with passages, and a share of them without.

        The share moves on with every epoch, so that in time each example is seen both ways.
        """
        count = round(len(self.plain) * self.share)
        order = random.Random(self.seed).sample(list(self.plain), len(self.plain))
        return [*self.with_passages, *(order[(number * count + i) % len(order)] for i in range(count))]


class _Training:
    """The state of a running stage."""

    def __init__(self, stage: SftTrainer) -> None:
        self.options, self.context, self.stage = stage.options, stage.context, stage
        torch.manual_seed(self.context.seed)
        self.model = with_lora(load_model(self.context.base).model, self.options, self.context.adapter)
        if self.options.gradient_checkpointing:
            compute_activations_twice(self.model)
        self.weights = trainable(self.model)
        fuse(self.model)
        self.loss = TrainedTokenLoss(self.model, share_prefix=not self.options.gradient_checkpointing)
        self.optimizer = torch.optim.AdamW(
            list(self.weights.values()), lr=self.options.learning_rate, weight_decay=self.options.weight_decay
        )
        self.batches = self._batches()
        self.looks = self._dev_looks()
        self.checkpoints = Checkpoints(self.context.folder, self._fingerprint())
        self.progress = Progress()

    def run(self) -> StageResult:
        """Go through the batches, from the last checkpoint on."""
        if self.context.resume:
            self.progress = self.checkpoints.load(self.weights, self.optimizer) or self.progress
        self.model.train()
        started = saved = time.perf_counter()
        before = self.progress.seconds
        stopped_early = self._out_of_patience()
        while self.progress.step < len(self.batches) and not stopped_early:
            self._step(self.batches[self.progress.step])
            self.progress.seconds = before + time.perf_counter() - started
            if self.progress.step in self.looks:
                self._look()
                stopped_early = self._out_of_patience()
            if self.context.stopping():
                self.checkpoints.save(self.progress, self.weights, self.optimizer)
                raise Interrupted(
                    f"training stopped at step {self.progress.step}; its checkpoint is kept",
                    "Go on with `loresmith build --resume`.",
                )
            if time.perf_counter() - saved > self.options.checkpoint_seconds:
                self.checkpoints.save(self.progress, self.weights, self.optimizer)
                saved = time.perf_counter()
        return self._finish(stopped_early=stopped_early)

    def _batches(self) -> list[list[Row]]:
        """All batches of the stage, in order: they hang on the seed alone, so that a resumed stage goes on the same."""
        batches: list[list[Row]] = []
        for epoch, rows in enumerate(self.stage.epochs):
            chance = random.Random(f"{self.context.seed}:{epoch}")
            batches += length_grouped_batches(rows, self.options.batch, chance)
        whole = math.ceil(self.options.epochs)
        return batches[: max(1, round(len(batches) * self.options.epochs / whole))]

    def _dev_looks(self) -> set[int]:
        """Steps after which the dev split is looked at; the last step is always one."""
        count = max(1, round(self.options.epochs * self.options.evaluations))
        return {max(1, round(len(self.batches) * (i + 1) / count)) for i in range(count)}

    def _step(self, rows: list[Row]) -> None:
        progress, batch = self.progress, Batch.of(rows, self._pad, self.model.device)
        rate = self._rate(progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.loss(batch) / max(1, int(batch.targets.sum()))
        if not torch.isfinite(loss):
            places = ", ".join(row.place for row in rows)
            raise TrainError(
                f"the loss is {loss.item()} at step {progress.step + 1}, on the batch: {places}",
                "Lower learning_rate, or look at these examples. The weights before this step are kept.",
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), self.options.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress.step += 1
        progress.tokens += batch.tokens
        progress.train_loss = loss.item()
        self.context.event({
            "event": "step", "step": progress.step, "steps": len(self.batches), "loss": progress.train_loss,
            "learning_rate": rate, "tokens": progress.tokens, "seconds": progress.seconds,
        })  # fmt: skip

    def _rate(self, step: int) -> float:
        total = len(self.batches)
        warmup = round(total * self.options.warmup)
        if step < warmup:
            return self.options.learning_rate * (step + 1) / warmup
        return self.options.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))

    @property
    def _pad(self) -> int:
        return min(self.stage.chat.eos_ids)

    @torch.no_grad()
    def _look(self) -> None:
        """Measure the loss on the dev split and keep the weights if it is the lowest so far."""
        self.model.eval()
        total, count = 0.0, 0
        by_length = sorted(self.stage.dev, key=lambda row: len(row.ids))
        for start in range(0, len(by_length), self.options.batch):
            batch = Batch.of(by_length[start : start + self.options.batch], self._pad, self.model.device)
            total += self.loss(batch).item()
            count += int(batch.targets.sum())
        self.model.train()
        progress, dev = self.progress, total / max(1, count)
        if not math.isfinite(dev):
            raise TrainError(
                f"the loss on the dev split is {dev} after step {progress.step}",
                "Lower learning_rate, or look at the dev examples. The checkpoint before it is kept.",
            )
        progress.dev_losses.append((progress.step, dev))
        progress.looks_without_better += 1
        if dev < progress.best_dev:
            progress.best_dev, progress.best_step, progress.looks_without_better = dev, progress.step, 0
            self.checkpoints.save_best(progress.step, self.weights)
        self.context.event({"event": "dev", "step": progress.step, "loss": dev, "best": progress.best_step})

    def _out_of_patience(self) -> bool:
        return self.progress.looks_without_better >= self.options.patience

    def _finish(self, *, stopped_early: bool) -> StageResult:
        progress = self.progress
        self.checkpoints.load_best(self.weights)
        adapter = self.context.folder / "adapter"
        save_adapter(self.model, adapter, str(self.context.base.name))
        prompts = served(self.stage.held_out, self.context.instructions, self.stage.chat)
        return StageResult(
            adapter=adapter,
            steps=progress.step,
            best_step=progress.best_step,
            train_loss=progress.train_loss,
            dev_loss=progress.best_dev,
            tokens=progress.tokens,
            seconds=progress.seconds,
            stopped_early=stopped_early,
            details={
                "trainable_parameters": sum(w.numel() for w in self.weights.values()),
                "parity": parity(self.model, self.stage.dev, prompts),
            },
        )

    def _fingerprint(self) -> str:
        """Hash of what shapes the training: options, seed, rows, base, and the adapter it starts from."""
        options: dict[str, Any] = self.options.model_dump(exclude={"checkpoint_seconds"})
        rows = [[row.ids, row.trained] for batch in self.batches for row in batch]
        start = folder_hash(self.context.adapter) if self.context.adapter else ""
        settings = json.dumps([options, self.context.seed, rows], sort_keys=True)
        return content_hash(settings, base_hash(self.context.base), start)
