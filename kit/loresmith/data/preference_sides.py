"""Which preferences are learnt from, and which are held out to see whether anything was learnt.

A preference is held out when the hash of its prompt says so, which no added row can change, or when its prompt asks
what a held-out example asks: what decides on the ladder is not to be learnt by another door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loresmith.data.also_asked import also_asked, asked
from loresmith.data.split import FrozenSplit
from loresmith.values import Preference, content_hash


@dataclass(frozen=True, slots=True)
class PreferenceSides:
    """Preferences to learn from, and preferences that never are."""

    train: tuple[Preference, ...] = ()
    held_out: tuple[Preference, ...] = ()


def divide(preferences: Sequence[Preference], split: FrozenSplit, share: float, seed: int) -> PreferenceSides:
    """Return the two sides; preferences of one prompt stay together.

    Args:
        preferences: All preferences.
        split: The frozen split of the examples.
        share: Share of the prompts to hold out.
        seed: Another seed holds out others.
    """
    apart = also_asked([preference.prompt for preference in preferences], (*split.dev, *split.test))
    held_out = [p for p, elsewhere in zip(preferences, apart, strict=True) if elsewhere or _drawn(p, seed) < share]
    kept = {preference.id for preference in held_out}
    return PreferenceSides(tuple(p for p in preferences if p.id not in kept), tuple(held_out))


def _drawn(preference: Preference, seed: int) -> float:
    """Return a number between 0 and 1 that hangs on the prompt and the seed alone."""
    return int(content_hash(str(seed), asked(preference.prompt))[:13], 16) / 16**13
