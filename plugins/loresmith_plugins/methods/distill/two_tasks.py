"""Answer and reasons as two tasks of one student (distilling step-by-step, Hsieh et al., 2023, arXiv:2305.02301).

Loss of a step:

    L = L_label + λ L_rationale,   each a mean of - log p(t | all before t) over its own trained tokens t

The answer is asked for exactly as it is when the model is served; the reasons are asked for by a prefix, and cost
nothing at that time. Both of an example are learnt in the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from transformers import AutoConfig

from loresmith.specs import MaskReceipt, StageContext
from loresmith.values import Example, Message
from loresmith_plugins.engines.transformers.load import window_of
from loresmith_plugins.methods.distill import DistillOptions
from loresmith_plugins.methods.sft.train import SftTrainer
from loresmith_plugins.training.rows import Row, encode, receipt
from loresmith_plugins.training.rows_objective import RowsObjective, RowsPart

Ids = tuple[int, ...]


class TwoTasksTrainer(SftTrainer):
    """A supervised stage that learns reasons beside the answers.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
        reasons: Reasons for the replies of training examples, by the examples' ids.
    """

    def __init__(self, options: DistillOptions, context: StageContext, reasons: Mapping[str, str]) -> None:
        super().__init__(options, context)
        window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        explained = [example for example in context.train if example.id in reasons]
        asked = [_asked_why(example, reasons[example.id], options.rationale_prompt) for example in explained]
        labels = encode(explained, context.instructions, self.chat, window, last_only=options.loss_on == "last")
        rows = encode(asked, context.instructions, self.chat, window, last_only=True)
        self._weight = options.rationale_weight
        self._reasons = {label.ids: row for label, row in zip(labels, rows, strict=True)}

    def receipt(self) -> MaskReceipt:
        """Say what the first epoch trains, answers and reasons; raises as `rows.receipt`."""
        rows = [*self.material.epochs[0], *self._reasons.values()]
        return receipt(rows, self.chat, warnings=self.material.warnings)

    def objective(self, model: Any, _make: Callable[..., RowsObjective] = RowsObjective) -> RowsObjective:
        """Return the two tasks."""
        return super().objective(model, partial(TwoTasks, reasons=self._reasons, weight=self._weight))


@dataclass(frozen=True, slots=True)
class ReasonsPart(RowsPart):
    """Rows of reasons; `factor` is λ · (label tokens of the step) / (rationale tokens of the step)."""

    factor: float = 1.0

    @property
    def weight(self) -> int:
        """Nothing: a step is divided by its label tokens."""
        return 0


class TwoTasks(RowsObjective):
    """The label rows of a step, and the reasons that belong to them; further arguments as those of `RowsObjective`.

    Args:
        reasons: For the ids of a label row, the row of its reasons.
        weight: λ.
    """

    def __init__(self, *rows: Any, reasons: Mapping[Ids, Row], weight: float, **settings: Any) -> None:
        super().__init__(*rows, **settings)
        self._reasons, self._weight = reasons, weight
        self._tokens: dict[str, int] = {}
        self._sums: dict[str, float] = {}

    def parts(self, step: int) -> list[RowsPart]:
        """Return the batches of a step, counted from 0: answers, then reasons, no more rows at once than those."""
        labels = super().parts(step)
        found = [RowsPart([self._reasons[row.ids] for row in part.of if row.ids in self._reasons]) for part in labels]
        tokens = {"label_loss": _weight(labels), "rationale_loss": _weight(found)}
        factor = self._weight * tokens["label_loss"] / max(1, tokens["rationale_loss"])
        self._tokens, self._sums = tokens, dict.fromkeys(tokens, 0.0)
        return [*labels, *(ReasonsPart(part.of, factor) for part in found if part.of)]

    def loss(self, part: RowsPart) -> torch.Tensor:
        """Return the summed loss of a batch, in nats; that of reasons times the factor of its step."""
        loss = super().loss(part)
        reasons = isinstance(part, ReasonsPart)
        self._sums["rationale_loss" if reasons else "label_loss"] += loss.item()
        return loss * part.factor if isinstance(part, ReasonsPart) else loss

    def figures(self) -> Mapping[str, Any]:
        """Return the two losses of the step just made, in nats a token."""
        return {name: total / max(1, self._tokens[name]) for name, total in self._sums.items()}

    def data(self) -> list[Any]:
        """Return what is learnt, answers and reasons, for the fingerprint of the training."""
        return [super().data(), [[row.ids, row.trained] for row in self._reasons.values()]]


def _weight(parts: Sequence[RowsPart]) -> int:
    return sum(part.weight for part in parts)


def _asked_why(example: Example, reasons: str, prefix: str) -> Example:
    """Return the example that asks for the reasons of another."""
    question = f"{prefix}\n{example.question.strip()}"
    messages: list[Message] = [*example.prompt[:-1], {"role": "user", "content": question}]
    return replace(example, messages=(*messages, {"role": "assistant", "content": reasons}))
