"""The rungs of the ladder, and what each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Rung = Literal["prompt", "few-shot", "rag", "tuned", "hybrid"]

TrainedRung = Literal["tuned", "hybrid"]
"""A rung that uses what was trained."""

RUNGS: tuple[Rung, ...] = ("prompt", "few-shot", "rag", "tuned", "hybrid")
"""The ladder, cheapest first."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a rung is made of, beside the instructions."""

    demonstrations: bool = False
    passages: bool = False
    trained: bool = False


PARTS: Mapping[str, Parts] = {
    "prompt": Parts(),
    "few-shot": Parts(demonstrations=True),
    "rag": Parts(passages=True),
    "tuned": Parts(trained=True),
    "hybrid": Parts(passages=True, trained=True),
}
