"""Reward model on pairs (Bradley and Terry, 1952; Ouyang et al., 2022, arXiv:2203.02155), through TRL's RewardTrainer.

Loss of a pair (x, chosen y_w, rejected y_l), r being the model's one number at the end of a reply:

    L = - log σ( r(x, y_w) - r(x, y_l) )  +  c · ( r(x, y_w) + r(x, y_l) )²

The second term keeps the scores around zero (Eisenstein et al., 2023, arXiv:2312.09244). The model starts from the
weights the stage found; these stay as they are, and the chain of stages goes on with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset
from transformers import AutoConfig

from loresmith.files import write_json
from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith_plugins.engines.transformers.load import load_format, window_of
from loresmith_plugins.methods.reward import RewardOptions
from loresmith_plugins.methods.reward.model import ABOUT, RewardModel, scoring_model
from loresmith_plugins.training.adapters import save_model, trainable, with_adapter
from loresmith_plugins.training.checkpoints import fingerprint
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.low_rank import fuse
from loresmith_plugins.training.pair_figures import pair_figures
from loresmith_plugins.training.preference_receipt import pairs_receipt
from loresmith_plugins.training.preference_rows import Pair, PreferenceRows, batch_order, kept_apart
from loresmith_plugins.training.trl_stage import OnStage, TrlStage, as_given, failures_named


class RewardTrainer:
    """One stage that trains a reward model.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
    """

    def __init__(self, options: RewardOptions, context: StageContext) -> None:
        self.options, self.context = options, context
        check_fit(options, context.base, None)
        self.chat = load_format(context.base)
        window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        rows = PreferenceRows(context.instructions, self.chat, window)
        self.train_pairs, self.dev_pairs = kept_apart(rows.pairs(context.preferences), options.dev, context.seed)
        self.held_out = rows.pairs(context.held_out)

    def receipt(self) -> MaskReceipt:
        """Say which replies are compared; raises as `pairs_receipt`."""
        return pairs_receipt(self.train_pairs, self.context.preferences, self.context.held_out, self.chat)

    def train(self) -> StageResult:
        """Run the stage: raises `TrainError` when the loss is not finite, `Interrupted` when asked to stop."""
        options, context = self.options, self.context
        torch.manual_seed(context.seed)
        with failures_named(options):
            # The adapter of the stage before is put into the weights: what trains beside them is the scorer's own.
            model = with_adapter(scoring_model(context.base, context.adapter, self.chat), options, None, task="SEQ_CLS")
            weights = trainable(model)
            stage = TrlStage(options, context, self._fingerprint())
            with as_given(model):
                trainer = self._trainer(model, stage)
            fuse(model)
            before = self._margins(model)
            stage.run(trainer, weights, batch_order([len(pair) for pair in self.train_pairs], options, context.seed))
            whole = model.merge_and_unload() if hasattr(model, "peft_config") else model
            after = self._margins(whole)
        figures = {"before": pair_figures(before, context.seed), "after": pair_figures(after, context.seed)}
        folder = self._write(whole, figures)
        progress = stage.progress
        return StageResult(
            adapter=None,
            steps=progress.step,
            best_step=progress.best_step,
            train_loss=progress.train_loss,
            dev_loss=progress.best_dev if progress.dev_losses else progress.train_loss,
            tokens=progress.tokens,
            seconds=progress.seconds,
            stopped_early=stage.out_of_patience,
            details={
                "reward": folder.name,
                "held_out": figures,
                "trainable_parameters": sum(weight.numel() for weight in weights.values()),
            },
        )

    def _trainer(self, model: Any, stage: TrlStage) -> Any:
        tokenizer = self.chat.tokenizer
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.get_text_config().pad_token_id)
        settings = stage.settings(
            trl.RewardConfig,
            center_rewards_coefficient=self.options.center or None,
            disable_dropout=not self.options.dropout,
            max_length=None,
        )
        return _Reward(
            model,
            args=settings,
            train_dataset=_dataset(self.train_pairs),
            eval_dataset=_dataset(self.dev_pairs) if self.dev_pairs else None,
            processing_class=tokenizer,
        )

    def _margins(self, model: Any) -> list[float]:
        """Return r(chosen) - r(rejected) of each held-out pair."""
        rows = [side.ids for pair in self.held_out for side in pair.sides()]
        found = RewardModel(model, self.chat, batch=2 * self.options.batch).score_ids(rows)
        return [chosen - rejected for chosen, rejected in zip(found[::2], found[1::2], strict=True)]

    def _write(self, model: Any, figures: dict[str, Any]) -> Path:
        folder = self.context.folder / "reward"
        save_model(model, folder, self.context.base)
        write_json(folder / ABOUT, {"instructions": self.context.instructions, "held_out": figures})
        return folder

    def _fingerprint(self) -> str:
        pairs = [[pair.prompt, pair.chosen, pair.rejected] for pair in (*self.train_pairs, *self.dev_pairs)]
        return fingerprint(self.context, self.options, pairs)


class _Reward(OnStage, trl.RewardTrainer):
    """TRL's trainer on rows that are token ids already."""


def _dataset(pairs: Sequence[Pair]) -> Any:
    sides = [pair.sides() for pair in pairs]
    return Dataset.from_dict(
        {
            "chosen_ids": [list(chosen.ids) for chosen, _ in sides],
            "rejected_ids": [list(rejected.ids) for _, rejected in sides],
        }
    )
