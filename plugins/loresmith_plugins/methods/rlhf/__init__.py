"""Method `rlhf`: the model samples replies, a reward scores them, and what scores above expectation gets likelier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Named
from loresmith.specs import Footprint, MethodSpec, StageContext, Trainer
from loresmith_plugins.training.options import AdapterOptions, LoopOptions

RewardEntry = str | dict[str, Any]


class WatchOptions(LoopOptions):
    """How often the policy is looked at, and what counts as reward hacking."""

    evaluations: int = Field(
        default=4, ge=1, le=1000, description="Looks at dev prompts and held-out pairs in an epoch"
    )
    patience: int = Field(default=2, ge=1, le=1000, description="Looks in a row that must show reward hacking to stop")
    looked_at: int = Field(default=32, ge=1, le=10_000, description="Most dev prompts and held-out pairs in a look")
    length_limit: float = Field(
        default=2.0, gt=1, description="Replies longer than this many times those of the start are a bad sign"
    )
    kl_limit: float = Field(
        default=30.0, gt=0, description="A distance from the start beyond this, in nats a reply, is a bad sign"
    )


class RlhfOptions(AdapterOptions, WatchOptions):
    """How a policy is trained against a reward."""

    algorithm: Literal["ppo", "rloo", "grpo"] = Field(
        default="rloo", description="rloo and grpo compare the replies to one prompt; ppo learns a value function"
    )
    reward: RewardEntry | list[RewardEntry] = Field(
        default="token_f1",
        description="A metric, by name or with its options; {stage: N, run: ID} for a reward model; or several, "
        "added up, each with its `weight`",
    )
    samples: int = Field(default=4, ge=1, le=1024, description="Replies sampled to a prompt")
    reply_tokens: int = Field(default=80, ge=1, description="Longest reply sampled, in tokens")
    temperature: float = Field(default=1.0, gt=0, le=10, description="Temperature of the replies sampled")
    passes: int = Field(default=2, ge=1, le=100, description="Times the replies of a step are learnt from")
    clip: float = Field(default=0.2, gt=0, lt=1, description="A probability ratio beyond 1 ± clip earns nothing more")
    kl: float = Field(default=0.05, ge=0, description="Weight of the distance from the start, at the beginning")
    kl_target: float | None = Field(
        default=None, gt=0, description="Nats a reply that the weight `kl` is adapted to hold; none keeps it fixed"
    )
    gamma: float = Field(default=1.0, gt=0, le=1, description="ppo: discount of later rewards")
    lam: float = Field(default=0.95, ge=0, le=1, description="ppo: lambda of generalised advantage estimation")
    value_weight: float = Field(default=0.1, gt=0, description="ppo: weight of the value loss")
    value_clip: float = Field(default=0.2, gt=0, description="ppo: a value that moves further earns nothing more")
    whiten: bool = Field(default=True, description="ppo: bring the advantages of a step to mean 0 and deviation 1")

    learning_rate: float = Field(default=1e-4, gt=0, lt=1, description="Highest learning rate")
    epochs: float = Field(default=1.0, gt=0, le=100, description="Times the prompts are gone through")
    batch: int = Field(default=8, ge=1, le=4096, description="Prompts whose replies are computed at once")

    @field_validator("reward")
    @classmethod
    def _named(cls, reward: RewardEntry | list[RewardEntry]) -> RewardEntry | list[RewardEntry]:
        entries = reward if isinstance(reward, list) else [reward]
        if not entries:
            raise ValueError("a reward is wanted: a metric, or {stage: N} for a reward model")
        for entry in entries:
            if isinstance(entry, dict):
                _check(entry)
        return reward

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if self.algorithm != "ppo" and self.samples < 2:
            raise ValueError(f"{self.algorithm} compares the replies to one prompt: samples must be 2 or more")
        if self.kl_target and not self.kl:
            raise ValueError("kl_target adapts the weight kl, which must be above 0 to begin with")
        if self.adapter != "lora":
            raise ValueError(f"rlhf trains adapters beside whole weights (adapter: lora), not adapter: {self.adapter}")
        return self

    def named(self) -> Sequence[Named]:
        """Return the metrics among the rewards."""
        places = [("reward", n) if isinstance(self.reward, list) else ("reward",) for n in range(len(self.rewards))]
        metrics = [
            Named(place, "metric", {key: value for key, value in entry.items() if key != "weight"})
            for place, entry in zip(places, self.rewards, strict=True)
            if "kind" in entry
        ]
        return [*super().named(), *metrics]

    @property
    def rewards(self) -> list[dict[str, Any]]:
        """The rewards as mappings, each with its weight."""
        entries = self.reward if isinstance(self.reward, list) else [self.reward]
        return [{"weight": 1.0} | ({"kind": entry} if isinstance(entry, str) else entry) for entry in entries]


def _check(entry: dict[str, Any]) -> None:
    if ("kind" in entry) == ("stage" in entry):
        raise ValueError(f"a reward is {{kind: METRIC, ...}} or {{stage: N}}, not {entry}")
    odd = sorted(set(entry) - {"stage", "run", "weight"}) if "stage" in entry else []
    if odd:
        raise ValueError(f'a reward model takes the keys stage, run and weight, not "{odd[0]}"')
    if "stage" in entry and (not isinstance(entry["stage"], int) or entry["stage"] < 0):
        raise ValueError(f"a stage is a number, the first one 0, not {entry['stage']!r}")
    weight = entry.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise ValueError(f"a weight is a number, not {weight!r}")  # noqa: TRY004 pydantic collects value errors


def _build(options: RlhfOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.rlhf.train import RlhfTrainer

    return RlhfTrainer(options, context)


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="rlhf",
            summary="Reinforcement learning from a reward: PPO, RLOO or GRPO, held near the start and watched",
            options=RlhfOptions,
            build=_build,
            footprint=lambda options: Footprint(rows=options.samples),
        )
    )
