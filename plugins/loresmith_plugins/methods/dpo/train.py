"""Direct preference optimization (Rafailov et al., 2023, arXiv:2305.18290), through TRL's DPOTrainer.

Loss of a pair (x, chosen y_w, rejected y_l), for the sigmoid loss:

    L = - log σ( β · [ log π(y_w|x) / π_ref(y_w|x)  -  log π(y_l|x) / π_ref(y_l|x) ] )

π_ref is the model as the stage found it, with the adapter of the stage before: its log-probabilities are computed once,
before the first step. The loss is TRL's own; the model that it asks reads what two replies have in common once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoConfig
from trl import DPOConfig, DPOTrainer

from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith_plugins.engines.transformers.load import load_format, window_of
from loresmith_plugins.methods.dpo import DpoOptions
from loresmith_plugins.training.adapters import trainable, trainable_model
from loresmith_plugins.training.checkpoints import fingerprint
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.low_rank import fuse
from loresmith_plugins.training.outcome import left_behind
from loresmith_plugins.training.pair_figures import pair_figures
from loresmith_plugins.training.preference_receipt import pairs_receipt
from loresmith_plugins.training.preference_rows import Pair, PreferenceRows, batch_order, kept_apart
from loresmith_plugins.training.shared_prompt import STATISTICS, read_prompts_once, reply_log_probabilities
from loresmith_plugins.training.trl_stage import OnStage, TrlStage, as_given, failures_named


class DpoTrainer:
    """One stage on pairs.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
    """

    def __init__(self, options: DpoOptions, context: StageContext) -> None:
        self.options, self.context = options, context
        check_fit(options, context.base, context.adapter)
        self.chat = load_format(context.base)
        window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        rows = PreferenceRows(context.instructions, self.chat, window)
        self.pairs = rows.pairs(context.preferences)
        self.train_pairs, self.dev_pairs = kept_apart(self.pairs, options.dev, context.seed)
        self.held_out = rows.pairs(context.held_out)

    def receipt(self) -> MaskReceipt:
        """Say what is trained, chosen and rejected replies alike; raises as `pairs_receipt`."""
        return pairs_receipt(self.train_pairs, self.context.preferences, self.context.held_out, self.chat)

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
            before = self._margins(model)
            self._add_reference(trainer, model)
            batches = batch_order([len(pair) for pair in self.train_pairs], options, context.seed)
            stage.run(trainer, weights, batches)
            after = self._margins(model)
        details = {"held_out": _compared(before, after, context.seed)}
        compared = self.held_out or self.train_pairs
        return left_behind(stage, model, [(pair.prompt, pair.sides()[0]) for pair in compared], details)

    def _trainer(self, model: Any, stage: TrlStage) -> Any:
        options = self.options
        settings = stage.settings(
            DPOConfig,
            beta=options.beta,
            loss_type=[options.loss],
            label_smoothing=options.label_smoothing,
            disable_dropout=not options.dropout,
            max_length=None,
            precompute_ref_log_probs=True,
        )
        return _Dpo(
            model,
            args=settings,
            train_dataset=_dataset(self.train_pairs),
            eval_dataset=_dataset(self.dev_pairs) if self.dev_pairs else None,
            processing_class=self.chat.tokenizer,
        )

    def _add_reference(self, trainer: Any, model: Any) -> None:
        """Put the log-probabilities of the model as it is now beside the rows."""
        trainer.train_dataset = _dataset(self.train_pairs, self._log_probabilities(model, self.train_pairs))
        if self.dev_pairs:
            trainer.eval_dataset = _dataset(self.dev_pairs, self._log_probabilities(model, self.dev_pairs))

    def _log_probabilities(self, model: Any, pairs: Sequence[Pair]) -> list[tuple[float, float]]:
        """Return log p of the chosen and of the rejected reply of each pair."""
        replies = [(pair.prompt, reply) for pair in pairs for reply in (pair.chosen, pair.rejected)]
        found = reply_log_probabilities(model, replies, self.options.batch, self.context.progress)
        return list(zip(found[::2], found[1::2], strict=True))

    def _margins(self, model: Any) -> list[float]:
        """Return log p(chosen) - log p(rejected) of each held-out pair, in nats."""
        return [chosen - rejected for chosen, rejected in self._log_probabilities(model, self.held_out)]

    def _fingerprint(self) -> str:
        pairs = [[pair.prompt, pair.chosen, pair.rejected] for pair in (*self.train_pairs, *self.dev_pairs)]
        return fingerprint(self.context, self.options, pairs)


class _Dpo(OnStage, DPOTrainer):
    """TRL's trainer on rows that are token ids already, with a reference that is computed before."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset


def _dataset(pairs: Sequence[Pair], reference: Sequence[tuple[float, float]] = ()) -> Any:
    columns: dict[str, Any] = {
        "prompt_ids": [list(pair.prompt) for pair in pairs],
        "chosen_ids": [list(pair.chosen) for pair in pairs],
        "rejected_ids": [list(pair.rejected) for pair in pairs],
    }
    if reference:
        columns["ref_chosen_logps"], columns["ref_rejected_logps"] = map(list, zip(*reference, strict=True))
    return Dataset.from_dict(columns)


def _compared(before: Sequence[float], after: Sequence[float], seed: int) -> dict[str, Any]:
    """Return how well held-out pairs were told apart before and after, and what the stage gained on each (nats).

    The gain, times beta, is the margin of the implicit rewards.
    """
    gained = [b - a for a, b in zip(before, after, strict=True)]
    return {
        "before": pair_figures(before, seed), "after": pair_figures(after, seed), "gained": pair_figures(gained, seed),
    }  # fmt: skip
