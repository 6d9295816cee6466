"""To learn rows token by token.

Loss: L = - 1/N · sum over trained tokens t of log p(t | all before t), N the trained tokens of the step.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from loresmith_plugins.training.loop import Look
from loresmith_plugins.training.loss import Batch, TrainedTokenLoss
from loresmith_plugins.training.options import LoopOptions
from loresmith_plugins.training.rows import Row, length_grouped_batches, shuffled_batches


@dataclass(frozen=True, slots=True)
class RowsPart:
    """Rows that are computed at once; see `loop.Part`."""

    of: Sequence[Row]

    @property
    def weight(self) -> int:
        """Tokens that enter the loss."""
        return sum(row.trained_tokens for row in self.of)

    @property
    def tokens(self) -> int:
        """Tokens read, without padding."""
        return sum(len(row.ids) for row in self.of)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.of)

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(len(row.ids) for row in self.of)

    @property
    def places(self) -> Sequence[str]:
        """Where the rows come from."""
        return [row.place for row in self.of]


class RowsObjective:
    """Batches of like length, their cross-entropy, and that of held-out rows.

    All batches hang on the seed alone, so that a resumed stage goes on the same.

    Args:
        loss: The loss of a batch.
        epochs: The rows of each epoch.
        dev: Rows that are never learnt.
        options: Size of a batch, batches a step, looks in an epoch.
        seed: Seed of the order.
        pad: Id that fills up short rows.
        device: Where the model is.
        packing: Lay the rows of a batch end to end in place of padding them.
    """

    def __init__(
        self,
        loss: TrainedTokenLoss,
        epochs: Sequence[Sequence[Row]],
        dev: Sequence[Row],
        options: LoopOptions,
        *,
        seed: int,
        pad: int,
        device: torch.device,
        packing: bool = False,
    ) -> None:
        self._loss, self._options, self._pad, self._device, self._packing = loss, options, pad, device, packing
        self._dev = sorted(dev, key=lambda row: len(row.ids))
        self._batches = self._in_order(epochs, seed)
        self.looks = self._looks()

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(self._batches)

    def parts(self, step: int) -> list[RowsPart]:
        """Return the batches of a step, counted from 0."""
        return self._cut(self._batches[step])

    def loss(self, part: RowsPart) -> torch.Tensor:
        """Return the summed loss of a batch, in nats."""
        batch = Batch.packed(part.of, self._device) if self._packing else self._padded(part)
        return self._loss(batch)

    def look(self) -> Look:
        """Measure the held-out rows: nats per trained token."""
        parts = self._cut(self._dev)
        total = sum(self._loss(self._padded(part)).item() for part in parts)
        return Look(total / max(1, sum(part.weight for part in parts)))

    def figures(self) -> Mapping[str, Any]:
        """Nothing more than every step says."""
        return {}

    def data(self) -> list[Any]:
        """Return what is learnt, in its order, for the fingerprint of the training."""
        # Each row once and the order by numbers: many epochs of long rows would be gigabytes of text.
        numbers: dict[Row, int] = {}
        order = [numbers.setdefault(row, len(numbers)) for batch in self._batches for row in batch]
        return [[[row.ids, row.trained] for row in numbers], order]

    def _padded(self, part: RowsPart) -> Batch:
        return Batch.of(part.of, self._pad, self._device)

    def _cut(self, rows: Sequence[Row]) -> list[RowsPart]:
        size = self._options.batch
        return [RowsPart(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _in_order(self, epochs: Sequence[Sequence[Row]], seed: int) -> list[list[Row]]:
        size = self._options.batch * self._options.accumulation
        order = shuffled_batches if self._packing else length_grouped_batches
        batches: list[list[Row]] = []
        for epoch, rows in enumerate(epochs):
            batches += order(rows, size, random.Random(f"{seed}:{epoch}"))
        whole = math.ceil(self._options.epochs)
        return batches[: max(1, round(len(batches) * self._options.epochs / whole))]

    def _looks(self) -> frozenset[int]:
        count = max(1, round(self._options.epochs * self._options.evaluations))
        return frozenset(max(1, round(self.steps * (i + 1) / count)) for i in range(count))
