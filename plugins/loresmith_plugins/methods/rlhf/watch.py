"""Watches for reward hacking: the reward rises while what it stands for gets worse.

A reward is a proxy, and a policy that is pushed far enough finds where the two part (Gao et al., 2022,
arXiv:2210.10760). Three signs are looked at beside the reward, each against the model as the stage found it: whether it
still ranks held-out pairs as people did, how long its replies are, and how far it has gone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from loresmith.errors import TrainError
from loresmith.files import read_json
from loresmith.specs import StageContext
from loresmith.values import Example, Preference
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.methods.rlhf import RlhfOptions, WatchOptions
from loresmith_plugins.methods.rlhf.policy import Policy
from loresmith_plugins.methods.rlhf.rewards import Rewards
from loresmith_plugins.training.checkpoints import Checkpoints, Progress, write_whole
from loresmith_plugins.training.rows import Row, encode
from loresmith_plugins.training.sampled_prompts import Prompt, draw_seed

NOISE = 1.64
"""Standard errors by which pair accuracy must have fallen: one-sided, five in a hundred (McNemar's test)."""

BEFORE = 0
"""The step at which the start is looked at."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a policy.

    Args:
        reward: Mean reward of the replies drawn to the dev prompts.
        kl: Mean distance from the start, in nats a reply.
        reply_tokens: Mean length of the replies.
        right: For each held-out pair whether the chosen reply is the likelier one.
    """

    reward: float
    kl: float
    reply_tokens: float
    right: tuple[bool, ...]

    @property
    def pair_accuracy(self) -> float | None:
        """Share of the held-out pairs that are ranked right; None without any."""
        return fmean(self.right) if self.right else None

    def signs(self, start: Look, options: WatchOptions) -> list[str]:
        """Return what has got worse since the start."""
        found = []
        lost = sum(was and not now for was, now in zip(start.right, self.right, strict=True))
        gained = sum(now and not was for was, now in zip(start.right, self.right, strict=True))
        if lost - gained > NOISE * math.sqrt(lost + gained):
            found.append(f"held-out pair accuracy fell from {start.pair_accuracy:.2f} to {self.pair_accuracy:.2f}")
        if self.reply_tokens > options.length_limit * start.reply_tokens:
            found.append(f"replies grew from {start.reply_tokens:.0f} to {self.reply_tokens:.0f} tokens")
        if self.kl > options.kl_limit:
            found.append(f"the distance from the start is {self.kl:.1f} nats a reply")
        return found


class Watch:
    """Looks at the policy now and then, keeps the best weights that show no sign, and says when to stop.

    Args:
        policy: What is looked at.
        rewards: The proxy.
        prompts: Dev prompts that replies are drawn to.
        pairs: Held-out pairs as rows: chosen, rejected, chosen, rejected ...
        context: Where events and the look at the start go.
        checkpoints: Keeps the best weights.
    """

    def __init__(
        self,
        policy: Policy,
        rewards: Rewards,
        prompts: Sequence[Prompt],
        pairs: Sequence[Row],
        context: StageContext,
        checkpoints: Checkpoints,
    ) -> None:
        self.policy, self.rewards, self.prompts, self.pairs = policy, rewards, prompts, pairs
        self.context, self.checkpoints = context, checkpoints
        self.options: RlhfOptions = policy.options
        self.signs: list[str] = []
        self._place = context.folder / "start.json"

    def begin(self, progress: Progress) -> None:
        """Look at the start; a stage that goes on takes up what was seen then."""
        if progress.step == BEFORE:
            start = self._seen()
            text = json.dumps(asdict(start))
            write_whole(self._place, "the look at the start", lambda path: path.write_text(text, encoding="utf-8"))
            self._keep(progress, start)
            self._tell(progress, start)

    def look(self, progress: Progress) -> None:
        """Look at the policy; `stopping` then says whether it is hacking the reward."""
        now = self._seen()
        self.signs = now.signs(self._start(), self.options)
        risen = now.reward > -progress.best_dev
        progress.looks_without_better = progress.looks_without_better + 1 if self.signs and risen else 0
        if not self.signs and now.reward >= -progress.best_dev:
            self._keep(progress, now)
        self._tell(progress, now)
        if self.stopping(progress):
            self.context.event({
                "event": "reward hacking", "step": progress.step, "kept": progress.best_step, "signs": self.signs,
            })  # fmt: skip

    def stopping(self, progress: Progress) -> bool:
        """Whether so many looks in a row showed a higher reward with a bad sign that the stage stops."""
        return progress.looks_without_better >= self.options.patience

    def details(self, progress: Progress) -> dict[str, Any]:
        """Return what the stage's result says of its looks."""
        return {
            "start": _figures(self._start()),
            "reward": -progress.best_dev,
            "reward_hacking": self.stopping(progress),
            "signs": self.signs,
        }

    def _start(self) -> Look:
        saved = read_json(self._place)
        return Look(**{**saved, "right": tuple(saved["right"])})

    def _seen(self) -> Look:
        """Draw a reply to each dev prompt, the same numbers deciding every time, and rank the held-out pairs.

        Raises:
            TrainError: If no reward applies, or if the model computes what is not finite.
        """
        replies = self.policy.draw(self.prompts, draw_seed(self.context.seed, -1))
        scores = self.rewards.score([p.example for p in self.prompts], [reply.text for reply in replies])
        applying = [score for score in scores if score is not None]
        if not applying:
            raise TrainError(
                f"the reward applies to none of {len(replies)} replies to dev prompts",
                "Some metrics score only examples of one kind (`declines` those not answerable): choose another.",
            )
        rows = [reply.row for reply in replies]
        log_p = self.policy.log_probabilities(rows)
        with self.policy.as_found():
            log_ref = self.policy.log_probabilities(rows)
        distances = [float((p - ref).sum()) for p, ref in zip(log_p, log_ref, strict=True)]
        if not math.isfinite(sum(distances)):
            raise TrainError(
                "the log-probabilities of replies to dev prompts are not finite",
                "Lower learning_rate; before the first step, look at the weights the stage starts from.",
            )
        totals = [float(log_p.sum()) for log_p in self.policy.log_probabilities(self.pairs)]
        right = tuple(chosen > rejected for chosen, rejected in zip(totals[::2], totals[1::2], strict=True))
        return Look(fmean(applying), fmean(distances), fmean(len(reply.ids) for reply in replies), right)

    def _keep(self, progress: Progress, look: Look) -> None:
        progress.best_dev, progress.best_step = -look.reward, progress.step
        self.checkpoints.save_best(progress.step, self.policy.weights)

    def _tell(self, progress: Progress, look: Look) -> None:
        progress.dev_losses.append((progress.step, -look.reward))
        self.context.event({
            "event": "dev", "step": progress.step, "loss": -look.reward, "best": progress.best_step,
            **_figures(look), "signs": self.signs,
        })  # fmt: skip


def pair_rows(
    preferences: Sequence[Preference], instructions: str, chat: ChatFormat, window: int, most: int
) -> list[Row]:
    """Return held-out pairs as rows: chosen, rejected, chosen, rejected ...; single thumbs are left out."""
    pairs = [p for p in preferences if p.chosen and p.rejected][:most]
    sides = [(pair, reply) for pair in pairs for reply in (pair.chosen, pair.rejected)]
    examples = [Example.of([*p.prompt, {"role": "assistant", "content": reply}], place=p.place) for p, reply in sides]
    return encode(examples, instructions, chat, window)


def _figures(look: Look) -> dict[str, Any]:
    return {
        "reward": look.reward, "kl": look.kl, "reply_tokens": look.reply_tokens, "pair_accuracy": look.pair_accuracy,
    }  # fmt: skip
