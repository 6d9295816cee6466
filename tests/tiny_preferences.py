"""Pairs and thumbs for a tiny model, and stages that learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.values import Preference
from loresmith_plugins.methods import dpo, kto, reward
from tiny_stage import Stage

PAIRS_OF = {
    "When does the kiosk open?": ("At nine.", "Hello! It opens at 8"),
    "And when does it close?": ("At six.", "Some time today."),
    "May I bring a dog?": ("On a lead.", "Ask the crew."),
    "A bicycle?": ("Five pounds.", "Sure thing!"),
    "Is there a boat on Sunday?": ("Yes, at ten.", "Maybe so."),
    "Refund": ("Within a week.", "No idea."),
    "who do i call": ("The desk: 0117 496.", "Anyone, really."),
    "Children?": ("Free below four.", "They are welcome."),
}


def pair(question: str, chosen: str, rejected: str, place: str = "") -> Preference:
    return Preference(
        question, ({"role": "user", "content": question},), chosen=chosen, rejected=rejected, place=place or question
    )


def thumb(question: str, reply: str, liked: bool, place: str = "") -> Preference:
    prompt = ({"role": "user", "content": question},)
    return Preference(f"{question}{reply}", prompt, reply=reply, liked=liked, place=place or question)


PAIRS = tuple(pair(q, *replies, f"pairs.jsonl:{n}") for n, (q, replies) in enumerate(PAIRS_OF.items(), 1))
THUMBS = tuple(thumb(q, reply, reply == replies[0]) for q, replies in PAIRS_OF.items() for reply in replies)


def on_preferences(method: str, base: Path, folder: Path, **more: Any) -> PreferenceStage:
    """Return a stage of `dpo`, `kto` or `reward` on all pairs, looked at on the same pairs."""
    given = {name: more.pop(name, PAIRS) for name in ("preferences", "held_out")}
    return PreferenceStage(base, folder, method=method, others=given, **more)


@dataclass
class PreferenceStage(Stage):
    """A stage that learns from preferences."""

    method: str = "dpo"

    def trainer(self) -> Any:
        defaults = {"epochs": 2, "batch": 4, "accumulation": 1, "learning_rate": 0.003, "patience": 1000, "dev": 0.0}
        options = SPECS[self.method].options.model_validate(defaults | self.options)
        return SPECS[self.method].build(options, self.context())


SPECS: dict[str, Any] = {}
for plugin in (dpo, kto, reward):
    plugin.register_methods(lambda spec: SPECS.update({spec.name: spec}))
reward.register_metrics(lambda spec: SPECS.update({f"metric {spec.name}": spec}))
