"""Switches adapters on one base model without reloading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from loresmith.errors import ModelError
from loresmith_plugins.engines.transformers.load import old_names_allowed


class Adapters:
    """The adapters of one base model.

    On a CPU the small extra products of an adapter cost a third of the speed, so its weights are added to a copy of the
    base weights, and the base weights themselves stay as they are: switching back is exact. On an accelerator, where
    memory is dearer than small products, the adapter runs beside the base.

    Args:
        model: The base model.
    """

    def __init__(self, model: Any) -> None:
        self.base = model
        self.model = model
        self.current: Path | None = None
        self._names: dict[Path, str] = {}
        self._own: dict[str, torch.Tensor] = {}

    def use(self, adapter: Path | None) -> Any:
        """Return the model with this adapter, or with none.

        Args:
            adapter: Folder with `adapter_config.json` and safetensors, or None for the base alone.

        Raises:
            ModelError: If the adapter cannot be read; the base alone is in use then.
        """
        if adapter == self.current:
            return self.model
        self._restore()
        if adapter is not None:
            name = self._load(adapter)
            if self.base.device.type == "cpu":
                self._merge(name)
            else:
                self.model.set_adapter(name)
                self.model.base_model.enable_adapter_layers()
        self.current = adapter
        return self.model

    def _load(self, adapter: Path) -> str:
        if adapter not in self._names:
            name = f"adapter{len(self._names)}"
            try:
                self._read(adapter, name)
            except Exception as error:
                raise ModelError(f'the adapter "{adapter}" cannot be loaded: {error}') from error
            self.model.base_model.disable_adapter_layers()
            self._names[adapter] = name
        return self._names[adapter]

    def _read(self, adapter: Path, name: str) -> None:
        from peft import PeftModel

        for file in ("adapter_config.json", "adapter_model.safetensors"):
            if not (adapter / file).is_file():
                # PEFT would take the path for a name on a hub.
                raise FileNotFoundError(f"there is no {file} in it")
        if self._names:
            self.model.load_adapter(str(adapter), adapter_name=name, use_safetensors=True)
        else:
            with old_names_allowed():
                self.model = PeftModel.from_pretrained(self.base, str(adapter), adapter_name=name).eval()

    def _layers(self) -> list[tuple[str, Any]]:
        from peft.tuners.tuners_utils import BaseTunerLayer

        return [(name, module) for name, module in self.model.named_modules() if isinstance(module, BaseTunerLayer)]

    @torch.no_grad()
    def _merge(self, name: str) -> None:
        for path, layer in self._layers():
            weight = layer.get_base_layer().weight
            self._own[path] = weight.data
            weight.data = weight.data + layer.get_delta_weight(name).to(weight.dtype)

    def _restore(self) -> None:
        if self.current is None:
            return
        for path, layer in self._layers():
            if path in self._own:
                layer.get_base_layer().weight.data = self._own[path]
        self._own = {}
        self.current = None
        self.model.base_model.disable_adapter_layers()
