"""Preferences that an earlier stage made, for a stage that learns from them."""

from __future__ import annotations

from dataclasses import replace

from loresmith.errors import UsageError
from loresmith.specs import StageContext
from loresmith.values import Preference
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource
from loresmith_plugins.training.options import MadeBy

PREFERENCES = "preferences.jsonl"
"""File in a stage's folder that holds them, a row each as in `data.preferences`; details of the stage name it."""


def with_preferences(context: StageContext, made_by: MadeBy | None) -> StageContext:
    """Return the context with the preferences that a stage made, if one is named; raises as `preferences_of`."""
    if made_by is None:
        return context
    return replace(context, preferences=preferences_of(context, made_by.stage, made_by.run))


def preferences_of(context: StageContext, stage: int, run: str = "") -> list[Preference]:
    """Return the preferences that a stage left, in their order.

    Args:
        context: That of the stage which learns them.
        stage: Number of the stage that made them, from 0.
        run: Id of its run; this run if not given.

    Raises:
        UsageError: If that stage made none.
        DataError: If rows were changed and are wrong now.
    """
    folder = context.trained(stage, run)
    path = folder / PREFERENCES
    if not path.is_file() or not path.stat().st_size:
        raise UsageError(
            f"training stage {stage} made no preferences",
            "A `constitutional` stage with `phase: preferences` or `both` makes some. If that is one, its critic saw "
            "no difference: read the stage's event `labelled`, then take a smaller `margin` or a better critic.",
        )
    read = JsonlSource(JsonlOptions(path=PREFERENCES), folder).read("preferences")
    return [each for each in read if isinstance(each, Preference)]
