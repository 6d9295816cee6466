"""Switches between the base, whole weights in its place, and adapters on either."""

from __future__ import annotations

from pathlib import Path

from loresmith.values import Weights
from loresmith_plugins.engines.transformers.adapters import Adapters
from loresmith_plugins.engines.transformers.load import LoadedModel, load_model


class WeightsInUse:
    """What one engine generates with.

    In memory are at most two models: the base and the whole weights used last, each loaded when it is first needed and
    each with the adapters that were used on it. So the base, one tuned model and any number of adapters are switched
    without reading a file again; for a third folder of whole weights the second makes room.

    Args:
        base: Folder of the base.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._held: dict[Path, tuple[LoadedModel, Adapters]] = {}
        self._wanted = Weights()

    def use(self, weights: Weights) -> None:
        """Switch.

        Raises:
            ModelError: If they cannot be loaded; what was in use before is wanted again then.
        """
        before, self._wanted = self._wanted, weights
        if weights == Weights():
            return
        try:
            self.loaded()
        except BaseException:
            self._wanted = before
            raise

    def loaded(self) -> LoadedModel:
        """Return the model with the weights in use, loading what is not in memory.

        Raises:
            ModelError: If they cannot be loaded.
        """
        folder = self._wanted.model or self._base
        if folder not in self._held:
            self._held = {kept: held for kept, held in self._held.items() if kept == self._base}
            loaded = load_model(folder)
            self._held[folder] = (loaded, Adapters(loaded.model))
        loaded, adapters = self._held[folder]
        return LoadedModel(adapters.use(self._wanted.adapter), loaded.format, loaded.window)
