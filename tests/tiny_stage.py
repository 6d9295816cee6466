"""A training stage on a tiny model, and what its loss should be, computed the plain way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loresmith.specs import Maker, StageContext, StageResult
from loresmith.testing import stage_context
from loresmith.values import Example
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.methods.sft.train import SftTrainer

INSTRUCTIONS = "You answer for the ferry. Be brief."
REPLIES = {
    "When does the kiosk open?": "At nine.",
    "And when does it close?": "At six.",
    "May I bring a dog?": "On the lower deck, on a lead.",
    "A bicycle?": "Five pounds.",
    "Is there a boat on Sunday, and if so at what time does the first one leave the harbour?": "Yes. The first at ten.",
    "Refund": "Within a week.",
    "who do i call": "The desk: 0117 496.",
    "Children?": "Free below four. Half fare below fourteen.",
}


def example(question: str, answer: str, place: str = "") -> Example:
    return Example.of(
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], place=place or question
    )


EXAMPLES = tuple(example(q, a, f"data.jsonl:{n}") for n, (q, a) in enumerate(REPLIES.items(), 1))


@dataclass
class Stage:
    """What a stage is built from; `events` holds what it reported.

    Args:
        stop_after: The user asks to stop once so many steps are done.
        others: Further fields of the context, such as `preferences` or `engine`.
    """

    base: Path
    folder: Path
    train: Sequence[Example] = EXAMPLES
    dev: Sequence[Example] = EXAMPLES[:2]
    adapter: Path | None = None
    seed: int = 1
    resume: bool = False
    stop_after: int | None = None
    instructions: str = INSTRUCTIONS
    make: Callable[[str, Mapping[str, Any]], Maker | None] = lambda _name, _options: None
    options: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    others: dict[str, Any] = field(default_factory=dict)

    def trainer(self) -> SftTrainer:
        defaults: dict[str, Any] = {"epochs": 2, "batch": 4, "learning_rate": 0.01, "patience": 1000}
        if self.options.get("objective") != "documents":
            defaults["passages"] = 0
        return SftTrainer(SftOptions.model_validate(defaults | self.options), self.context())

    def context(self) -> StageContext:
        self.folder.mkdir(parents=True, exist_ok=True)
        return stage_context(
            self.base,
            self.folder,
            adapter=self.adapter,
            instructions=self.instructions,
            train=self.train,
            dev=self.dev,
            seed=self.seed,
            resume=self.resume,
            make=self.make,
            event=lambda event: self.events.append(dict(event)),
            stopping=lambda: self.stop_after is not None and len(self.steps()) >= self.stop_after,
            **self.others,
        )

    def run(self) -> StageResult:
        return self.trainer().train()

    def steps(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "step"]

    def losses(self) -> list[float]:
        return [event["loss"] for event in self.steps()]

    def dev_losses(self) -> dict[int, float]:
        return {event["step"]: event["loss"] for event in self.events if event["event"] == "dev"}


def adapter_weights(adapter: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(adapter / "adapter_model.safetensors"))


def same_weights(one: Path, other: Path) -> bool:
    """Whether two adapters are the same to the last bit."""
    import torch

    a, b = adapter_weights(one), adapter_weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def plain_model(base: Path, adapter: Path | None, *, trainable: bool = False) -> Any:
    """Load a model with nothing but the plain libraries."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from loresmith_plugins.engines.transformers.load import old_names_allowed

    model: Any = AutoModelForCausalLM.from_pretrained(base)
    with old_names_allowed():
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable) if adapter else model


def plain_loss(model: Any, base: Path, examples: Sequence[Example]) -> Any:
    """Return nats per reply token of one-turn examples: all logits computed, each row by itself, masked labels."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    total, count = torch.zeros(()), 0
    for one in examples:
        prompt = (
            f"<|im_start|>system\n{INSTRUCTIONS}<|im_end|>\n"
            f"<|im_start|>user\n{one.question}<|im_end|>\n<|im_start|>assistant\n"
        )
        read, learnt = (tokenizer.encode(text) for text in (prompt, f"{one.reply}<|im_end|>"))
        labels = torch.tensor([[-100] * len(read) + learnt])
        out = model(input_ids=torch.tensor([read + learnt]), labels=labels)
        total, count = total + out.loss * len(learnt), count + len(learnt)
    return total / count
