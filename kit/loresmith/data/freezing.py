"""Freezes the split of a project, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.data.leak import LeakReceipt, require_no_leak
from loresmith.data.reading import read_examples
from loresmith.data.split import FrozenSplit, freeze
from loresmith.host import PluginHost
from loresmith.lock import ProjectLock
from loresmith.project import Project
from loresmith.recipe.load import load_recipe


def freeze_split(
    project: Project, host: PluginHost, note: Callable[[str], None], *, resplit: bool = False
) -> tuple[FrozenSplit, LeakReceipt]:
    """Read the examples and freeze their split; what is frozen stays so.

    Args:
        project: The project.
        host: The plugins.
        note: Told what the project's lock has to say.
        resplit: Forget the frozen split and freeze a new one.

    Raises:
        RecipeError: If the recipe is wrong.
        DataError: If the examples cannot be read or split.
        GateRefused: If examples no longer go with what is frozen, or the split leaks.
        LockHeld: If another process writes in the project.
    """
    recipe = load_recipe(project.recipe, host.registry)
    examples = read_examples(host.registry, recipe.data.examples, project.root)
    with ProjectLock(project, "data split", note):
        split = freeze(project, examples, recipe.data.split, resplit=resplit)
    return split, require_no_leak(split)
