"""Proximal policy optimisation on replies (Schulman et al., 2017, arXiv:1707.06347; on language: arXiv:1909.08593).

A step draws replies to some prompts, scores them, and learns from them `passes` times with the loss

    L = policy_loss + value_weight · value_loss                      (both in `objective`)

The value function is one linear layer on the policy's last hidden state, normalised; it is 0 at the start, trains with
the adapter, and is gone with the stage. Whatever is random hangs on the seed and the step, so a resumed stage is the
unbroken one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from loresmith.errors import Interrupted, TrainError
from loresmith.specs import StageContext
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.distance import KlWeight
from loresmith_plugins.methods.rlhf.objective import (
    advantages,
    clipped_share,
    policy_loss,
    token_rewards,
    value_loss,
    whitened,
)
from loresmith_plugins.methods.rlhf.policy import Policy, Reply
from loresmith_plugins.methods.rlhf.rewards import Rewards
from loresmith_plugins.methods.rlhf.watch import Watch
from loresmith_plugins.training.checkpoints import Checkpoints, Progress
from loresmith_plugins.training.loss import Batch
from loresmith_plugins.training.optimizers import optimizer_of
from loresmith_plugins.training.sampled_prompts import Prompt, draw_seed
from loresmith_plugins.training.trl_stage import share_of_rate


@dataclass(frozen=True, slots=True)
class Rollout:
    """The replies of a step and all that is known of them before they are learnt from; tensors (replies, tokens)."""

    replies: Sequence[Reply]
    scores: torch.Tensor
    mask: torch.Tensor
    log_p: torch.Tensor
    log_ref: torch.Tensor
    values: torch.Tensor

    @property
    def kl(self) -> float:
        """Distance from the start, in nats a reply."""
        return float(((self.log_p - self.log_ref) * self.mask).sum(dim=1).mean())


class Ppo:
    """One PPO stage.

    Args:
        policy: What trains.
        rewards: What it trains for.
        prompts: What is replied to.
        steps: For each step the positions of its prompts.
        watch: Looks at it, and keeps the best weights.
        context: Where events go.
        checkpoints: Of this very training.
    """

    def __init__(
        self,
        policy: Policy,
        rewards: Rewards,
        prompts: Sequence[Prompt],
        steps: Sequence[Sequence[int]],
        watch: Watch,
        context: StageContext,
        checkpoints: Checkpoints,
    ) -> None:
        self.policy, self.rewards, self.prompts, self.steps = policy, rewards, prompts, steps
        self.watch, self.context, self.checkpoints = watch, context, checkpoints
        self.options: RlhfOptions = policy.options
        width = policy.model.get_output_embeddings().weight.shape[1]
        self.value = torch.nn.Linear(width, 1, device=policy.model.device)
        torch.nn.init.zeros_(self.value.weight)
        torch.nn.init.zeros_(self.value.bias)
        self.distance = KlWeight(self.options.kl, self.options.kl_target)
        self.kept = {**policy.weights, "value.weight": self.value.weight, "value.bias": self.value.bias}
        self.optimizer = optimizer_of(policy.model, self.kept, self.options)
        self.progress = Progress()

    def run(self) -> Progress:
        """Go through the steps, from the last checkpoint on, and leave the best weights.

        Raises:
            TrainError: If the loss is not finite, or if no reward applies.
            Interrupted: If asked to stop; a checkpoint is kept.
        """
        self._take_up()
        self.watch.begin(self.progress)
        looks = look_steps(len(self.steps), self.options)
        started = saved = time.perf_counter()
        before = self.progress.seconds
        self.policy.model.train()
        while self.progress.step < len(self.steps) and not self.watch.stopping(self.progress):
            self._step([self.prompts[i] for i in self.steps[self.progress.step]])
            self.progress.seconds = before + time.perf_counter() - started
            if self.progress.step in looks:
                self.watch.look(self.progress)
            if self.context.stopping():
                self._save()
                raise Interrupted(
                    f"training stopped at step {self.progress.step}; its checkpoint is kept",
                    "Go on with `loresmith build --resume`.",
                )
            if time.perf_counter() - saved > self.options.checkpoint_seconds:
                self._save()
                saved = time.perf_counter()
        self.checkpoints.load_best(self.policy.weights)
        return self.progress

    def _step(self, prompts: Sequence[Prompt]) -> None:
        rate = self.options.learning_rate * share_of_rate(
            self.progress.step, len(self.steps), round(len(self.steps) * self.options.warmup)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        rollout = self.rollout(prompts)
        figures = self.learn(rollout)
        progress = self.progress
        progress.step += 1
        progress.tokens += sum(len(reply.row.ids) for reply in rollout.replies)
        progress.train_loss = figures["loss"]
        self.distance.observe(rollout.kl)
        self.context.event({
            "event": "step", "step": progress.step, "steps": len(self.steps), **figures, "learning_rate": rate,
            "tokens": progress.tokens, "seconds": progress.seconds, "reward": float(rollout.scores.mean()),
            "kl": rollout.kl, "kl_weight": self.distance.beta,
            "reply_tokens": fmean(len(reply.ids) for reply in rollout.replies),
        })  # fmt: skip

    def rollout(self, prompts: Sequence[Prompt]) -> Rollout:
        """Draw replies, score them, and compute under both models what is needed of them."""
        several = [prompt for prompt in prompts for _ in range(self.options.samples)]
        replies = self.policy.draw(several, draw_seed(self.context.seed, self.progress.step))
        scores = self.rewards.score([prompt.example for prompt in several], [reply.text for reply in replies])
        scored = [(reply, score) for reply, score in zip(replies, scores, strict=True) if score is not None]
        if not scored:
            raise TrainError(
                f"the reward applies to none of the replies of step {self.progress.step + 1}",
                "Some metrics score only examples of one kind (`declines` those not answerable): choose another.",
            )
        replies = [reply for reply, _ in scored]
        log_p, values = self._read(replies)
        with self.policy.as_found():
            log_ref = pad_sequence(self.policy.log_probabilities([reply.row for reply in replies]), batch_first=True)
        lengths = torch.tensor([len(reply.ids) for reply in replies], device=log_p.device)
        mask = torch.arange(log_p.shape[1], device=log_p.device) < lengths[:, None]
        worth = torch.tensor([score for _, score in scored], device=log_p.device)
        return Rollout(replies, worth, mask, log_p, log_ref, values)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Move the weights `passes` times; return the figures of the last pass."""
        options = self.options
        rewards = token_rewards(rollout.scores, rollout.log_p, rollout.log_ref, rollout.mask, self.distance.beta)
        gains, returns = advantages(rewards, rollout.values, rollout.mask, options.gamma, options.lam)
        gains = whitened(gains, rollout.mask) if options.whiten else gains
        for _ in range(options.passes):
            figures = self._pass(rollout, gains, returns)
            norm = torch.nn.utils.clip_grad_norm_(list(self.kept.values()), options.max_grad_norm)
            self._refuse_infinite(rollout, figures["loss"], norm)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return figures

    def _pass(self, rollout: Rollout, gains: torch.Tensor, returns: torch.Tensor) -> dict[str, float]:
        """Add up the gradient over all tokens of the step, some replies at a time."""
        options, figures = self.options, dict.fromkeys(("loss", "value_loss", "clipped"), 0.0)
        start, tokens = 0, rollout.mask.sum()
        for batch in self.policy.batches([reply.row for reply in rollout.replies]):
            some = slice(start, start + len(batch.ids))
            mask, old = rollout.mask[some], rollout.log_p[some]
            log_p, values = self._tokens(batch, mask)
            of_values = value_loss(values, rollout.values[some], returns[some], mask, options.value_clip)
            loss = policy_loss(log_p, old, gains[some], mask, options.clip) + options.value_weight * of_values
            share = mask.sum() / tokens
            (loss * share).backward()
            figures["loss"] += (loss * share).item()
            figures["value_loss"] += (of_values * share).item()
            figures["clipped"] += clipped_share(log_p.detach(), old, mask, options.clip) * share.item()
            start = some.stop
        return figures

    @torch.no_grad()
    def _read(self, replies: Sequence[Reply]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log-probabilities and values under the present weights, (replies, tokens)."""
        log_p, values = [], []
        for batch in self.policy.batches([reply.row for reply in replies]):
            p, states = self.policy.scores.tokens(batch)
            lengths = batch.targets.sum(dim=1).tolist()
            log_p += p.split(lengths)
            values += self._values(states).split(lengths)
        return pad_sequence(log_p, batch_first=True), pad_sequence(values, batch_first=True)

    def _tokens(self, batch: Batch, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log-probabilities and values with their gradients, in the shape of the mask."""
        p, states = self.policy.scores.tokens(batch)
        empty = p.new_zeros(mask.shape)
        return empty.masked_scatter(mask, p), empty.masked_scatter(mask, self._values(states))

    def _values(self, states: torch.Tensor) -> torch.Tensor:
        """Return the value at each state, (tokens,). States are brought to one length: models differ in it a lot."""
        values: torch.Tensor = self.value(functional.layer_norm(states, states.shape[-1:])).squeeze(1)
        return values

    def _refuse_infinite(self, rollout: Rollout, loss: float, norm: torch.Tensor) -> None:
        if not torch.isfinite(norm + loss):
            places = ", ".join(dict.fromkeys(reply.prompt.example.place for reply in rollout.replies))
            raise TrainError(
                f"the loss is {loss} at step {self.progress.step + 1}, its gradient {float(norm)}, on: {places}",
                "Lower learning_rate, or look at the reward of these. The weights before this step are kept.",
            )

    def _save(self) -> None:
        beta = torch.tensor(self.distance.beta, dtype=torch.float64)
        self.checkpoints.save(self.progress, {**self.kept, "kl_weight": beta}, self.optimizer)

    def _take_up(self) -> None:
        if self.context.resume:
            beta = torch.tensor(self.distance.beta, dtype=torch.float64)
            self.progress = self.checkpoints.load({**self.kept, "kl_weight": beta}, self.optimizer) or self.progress
            self.distance.beta = float(beta)


def look_steps(steps: int, options: RlhfOptions) -> set[int]:
    """Return the steps after which the policy is looked at; the last one always is."""
    count = max(1, round(options.epochs * options.evaluations))
    return {max(1, round(steps * (i + 1) / count)) for i in range(count)}
