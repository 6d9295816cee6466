"""One stage of reinforcement learning: what its three algorithms have in common, from the prompts to the adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith.values import Example
from loresmith_plugins.engines.transformers.load import load_format, window_of
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.policy import Policy
from loresmith_plugins.methods.rlhf.rewards import Rewards
from loresmith_plugins.methods.rlhf.watch import Watch, pair_rows
from loresmith_plugins.training.adapters import save_adapter
from loresmith_plugins.training.checkpoints import Checkpoints, Progress, fingerprint
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.parity import parity
from loresmith_plugins.training.rows import encode, receipt, served
from loresmith_plugins.training.sampled_prompts import prompts_of, schedule
from loresmith_plugins.training.trl_stage import TrlStage, failures_named


class RlhfTrainer:
    """A policy trained against a reward.

    Args:
        options: The algorithm, the reward, and what holds the policy.
        context: Its prompts are those of the training examples; looks are at dev prompts and held-out preferences.
    """

    def __init__(self, options: RlhfOptions, context: StageContext) -> None:
        from transformers import AutoConfig

        self.options, self.context = options, context
        check_fit(options, context.base, context.adapter)
        self.chat = load_format(context.base)
        self.window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        room = self.window - options.reply_tokens
        self.prompts = prompts_of(context.train, context.instructions, self.chat, room)
        self.looked_at = prompts_of(self._looked_at(), context.instructions, self.chat, room)
        self.pairs = pair_rows(context.held_out, context.instructions, self.chat, self.window, options.looked_at)
        self.steps = schedule(len(self.prompts), options.batch * options.accumulation, options.epochs, context.seed)
        self.rewards = Rewards.of(options.rewards, context)

    def receipt(self) -> MaskReceipt:
        """Say where the loss lies, wanted replies standing for those that will be drawn; raises as `rows.receipt`."""
        rows = encode(self.context.train, self.context.instructions, self.chat, self.window)
        return replace(receipt(rows, self.chat), warnings=tuple(self._warnings()))

    def train(self) -> StageResult:
        """Run the stage: raises `TrainError` when the loss is not finite, `Interrupted` when asked to stop."""
        torch.manual_seed(self.context.seed)
        policy = Policy(self.options, self.context)
        identity = fingerprint(self.context, self.options, self._shaping())
        checkpoints = Checkpoints(self.context.folder, identity)
        watch = Watch(policy, self.rewards, self.looked_at, self.pairs, self.context, checkpoints)
        with failures_named(self.options):
            progress = self._run(policy, watch, checkpoints, identity)
        return self._finished(policy, watch, progress)

    def _run(self, policy: Policy, watch: Watch, checkpoints: Checkpoints, identity: str) -> Progress:
        if self.options.algorithm == "ppo":
            from loresmith_plugins.methods.rlhf.ppo import Ppo

            return Ppo(policy, self.rewards, self.prompts, self.steps, watch, self.context, checkpoints).run()
        from loresmith_plugins.methods.rlhf.groups import run

        stage = TrlStage(self.options, self.context, identity)
        return run(policy, self.rewards, self.prompts, self.steps, watch, stage)

    def _finished(self, policy: Policy, watch: Watch, progress: Progress) -> StageResult:
        adapter = self.context.folder / "adapter"
        save_adapter(policy.model, adapter, self.context.base.name)
        examples = [prompt.example for prompt in self.looked_at]
        rows = encode(examples, self.context.instructions, self.chat, self.window)
        asked = served(examples, self.context.instructions, self.chat)
        return StageResult(
            adapter=adapter,
            steps=progress.step,
            best_step=progress.best_step,
            train_loss=progress.train_loss,
            dev_loss=progress.best_dev,
            tokens=progress.tokens,
            seconds=progress.seconds,
            stopped_early=watch.stopping(progress),
            details={
                "trainable_parameters": sum(weight.numel() for weight in policy.weights.values()),
                "parity": parity(policy.model, rows, asked),
                **watch.details(progress),
            },
        )

    def _looked_at(self) -> list[Example]:
        return list(self.context.dev or self.context.train)[: self.options.looked_at]

    def _warnings(self) -> list[str]:
        found = []
        if not self.pairs:
            found.append(
                "no pair of preferences is held out: reward hacking is watched by reply length and distance alone"
            )
        if not self.context.dev:
            found.append("there are no dev examples: the policy is looked at on prompts that it trains on")
        if self.options.kl == 0:
            found.append("nothing holds the policy near its start: kl is 0")
        return found

    def _shaping(self) -> list[Any]:
        """Return what shapes the stage beside options, seed and start: prompts, steps, and what is looked at."""
        prompts = [[prompt.ids, prompt.example.reply] for prompt in (*self.prompts, *self.looked_at)]
        return [prompts, self.steps, [row.ids for row in self.pairs]]
