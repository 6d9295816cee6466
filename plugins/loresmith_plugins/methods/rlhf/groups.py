"""RLOO and GRPO: the replies to one prompt are one another's baseline. The trainers are TRL's.

RLOO, Ahmadian et al., 2024, arXiv:2402.14740: with R_i the reward of reply i, less kl times its distance from the
start,  A_i = R_i - mean of the R_j of the others;  L = - mean over replies of min(rho_i A_i, clamp(rho_i) A_i), where
rho_i is the probability ratio of the whole reply.
GRPO, Shao et al., 2024, arXiv:2402.03300: A_i = (R_i - mean R) / std R;  L = - mean over replies, mean over their
tokens of min(rho_t A_i, clamp(rho_t) A_i) - kl D_t, with D_t = p_ref / p - log(p_ref / p) - 1.
Replies are drawn by our own decoder, prompts are the very ids that are served.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from loresmith.assistant.prompt import assemble
from loresmith_plugins.engines.transformers.load import old_names_allowed
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.distance import KlWeight
from loresmith_plugins.methods.rlhf.policy import Policy
from loresmith_plugins.methods.rlhf.rewards import Rewards
from loresmith_plugins.methods.rlhf.watch import Watch
from loresmith_plugins.training.checkpoints import Progress
from loresmith_plugins.training.sampled_prompts import Prompt, draw_seed
from loresmith_plugins.training.trl_stage import OnStage, TrlStage

FIGURES = {
    "reward": "reward",
    "kl": "kl",
    "num_tokens": "num_tokens",
    "completions/mean_length": "reply_tokens",
    "completions/clipped_ratio": "unfinished",
    "clip_ratio/region_mean": "clipped",
    "entropy": "entropy",
}
"""The trainer's figures that are reported, and our names for them."""


class _Drawn(OnStage):
    """Draws replies with our decoder, adapts the weight of the distance, and has the watch look."""

    policy: Policy
    prompts: Sequence[Prompt]
    watch: Watch
    distance: KlWeight
    figures: dict[str, float]
    beta: float
    _step: int
    _metrics: dict[str, dict[str, list[float]]]

    def _tokenize_prompts(self, prompts: Sequence[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return [self.policy.chat.prompt_ids(messages) for messages in prompts], None, {}

    def drawn(self, prompt_ids: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return the ids of a reply to each prompt, with the end of turn where it came to one."""
        known = {prompt.ids: prompt for prompt in self.prompts}
        seed = draw_seed(self.stage.context.seed, self._step)
        return [list(reply.ids) for reply in self.policy.draw([known[tuple(ids)] for ids in prompt_ids], seed)]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Report our figures, the distance in nats a reply and the weight that it has from now on."""
        theirs = self._metrics["train"]
        found = {name: fmean(theirs[their]) for their, name in FIGURES.items() if theirs.get(their)}
        self.figures |= found
        kl = self.figures.get("kl", 0.0) * self.figures.get("reply_tokens", 0.0)
        if "num_tokens" in found:
            self.distance.observe(kl)
            self.beta = self.distance.beta
        reported = {**self.figures, "kl": kl, "kl_weight": self.beta}
        if not self.distance.beta:
            del reported["kl"]  # the trainer then measures none
        self._metrics["train"] = defaultdict(list, {name: [value] for name, value in reported.items()})
        super().log(logs, start_time)  # type: ignore[misc]

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Have the watch look, and stop where it says so."""
        trainer: Any = self
        self.watch.look(self.stage.progress)
        trainer.control.should_evaluate = False
        trainer.control.should_training_stop |= self.watch.stopping(self.stage.progress)
        return {}


class _Rloo(_Drawn, RLOOTrainer):
    """RLOO."""

    def _generate_single_turn(self, prompt_ids: Sequence[Sequence[int]], *_: Any, **__: Any) -> list[list[int]]:
        return self.drawn(prompt_ids)


class _Grpo(_Drawn, GRPOTrainer):
    """GRPO."""

    def _generate_single_turn(
        self, prompt_ids: Sequence[Sequence[int]], *_: Any, **__: Any
    ) -> tuple[list[list[int]], None]:
        return self.drawn(prompt_ids), None


class _Begin(TrainerCallback):
    """Lets a stage that goes on know where it is, and the watch look at the start of one that does not."""

    def __init__(self, trainer: _Drawn) -> None:
        self._trainer = trainer

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        trainer = self._trainer
        trainer._step, state.num_input_tokens_seen = state.global_step, 0
        weights = [row["kl_weight"] for row in state.log_history if "kl_weight" in row]
        if weights:
            trainer.beta = trainer.distance.beta = weights[-1]
        trainer.watch.begin(trainer.stage.progress)


def run(
    policy: Policy,
    rewards: Rewards,
    prompts: Sequence[Prompt],
    steps: Sequence[Sequence[int]],
    watch: Watch,
    stage: TrlStage,
) -> Progress:
    """Run a stage of RLOO or GRPO to its end, and leave the best weights.

    Args:
        policy: What trains.
        rewards: What it trains for.
        prompts: What is replied to.
        steps: For each drawing of replies the positions of its prompts.
        watch: Looks at the policy, and keeps the best weights.
        stage: Runs the trainer.

    Raises:
        TrainError: If the loss is not finite.
        Interrupted: If asked to stop; a checkpoint is kept.
    """
    options = policy.options
    own = {name: (weight.data, weight.requires_grad) for name, weight in policy.model.named_parameters()}
    trainer = _trainer(policy, rewards, prompts, stage)
    # It puts the reference beside the adapter as a second one; what an adapter's making does to weights is undone.
    for name, weight in policy.model.named_parameters():
        if name in own:
            weight.data, trains = own[name]
            weight.requires_grad_(trains)
    trainer.policy, trainer.prompts, trainer.watch, trainer.figures = policy, prompts, watch, {}
    trainer.distance = KlWeight(options.kl, options.kl_target)
    trainer.eval_dataset = watch.prompts
    trainer.add_callback(_Begin(trainer))
    times = options.passes * options.accumulation
    try:
        with old_names_allowed():
            return stage.run(
                trainer, policy.weights, [_repeated(step, options) for step in steps for _ in range(times)]
            )
    finally:
        if "ref" in policy.model.peft_config:
            policy.model.delete_adapter("ref")


def _trainer(policy: Policy, rewards: Rewards, prompts: Sequence[Prompt], stage: TrlStage) -> Any:
    options, of_rloo = policy.options, policy.options.algorithm == "rloo"
    asked = [assemble(stage.context.instructions, prompt.example.prompt) for prompt in prompts]
    settings = stage.settings(
        RLOOConfig if of_rloo else GRPOConfig,
        per_device_train_batch_size=options.batch * options.samples,
        num_generations=options.samples, num_iterations=options.passes, max_completion_length=options.reply_tokens,
        temperature=options.temperature, beta=options.kl, epsilon=options.clip, disable_dropout=True,
        **({} if of_rloo else {"loss_type": "grpo", "scale_rewards": "group"}),
    )  # fmt: skip
    return (_Rloo if of_rloo else _Grpo)(
        model=policy.model,
        reward_funcs=_reward(rewards, prompts),
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": messages, "position": i} for i, messages in enumerate(asked)]),
        processing_class=policy.chat.tokenizer,
    )


def _repeated(step: Sequence[int], options: RlhfOptions) -> list[int]:
    return [position for position in step for _ in range(options.samples)]


def _reward(rewards: Rewards, prompts: Sequence[Prompt]) -> Callable[..., list[float | None]]:
    def reward(
        completions: Sequence[Sequence[Mapping[str, str]]], position: Sequence[int], **_: Any
    ) -> list[float | None]:
        texts = [messages[0]["content"].strip() for messages in completions]
        return rewards.score([prompts[i].example for i in position], texts)

    return reward
