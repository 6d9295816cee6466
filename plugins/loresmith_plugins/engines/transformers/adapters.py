"""Switches adapters on one base model without reloading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from loresmith.errors import ModelError
from loresmith.files import read_json
from loresmith_plugins.engines.transformers.load import old_names_allowed

REWRITING_INITS = ("pissa", "olora", "corda", "loftq")
"""Ways to start an adapter that write into the base's own weights, again at every loading."""

BESIDE = ("modules_to_save", "trainable_token_indices", "target_parameters", "alora_invocation_tokens", "arrow_config")
"""Settings of an adapter that holds more than what can be added to a layer's weights."""


class Adapters:
    """The adapters of one base model.

    On a CPU the small extra products of an adapter cost a third of the speed, so it is merged into a copy of the base
    weights, and the base weights themselves stay as they are: switching back is exact. On an accelerator, where memory
    is dearer than small products, the adapter runs beside the base, as one does anywhere that cannot be merged.
    An adapter once read stays in memory: some hundredth of the base each.

    Args:
        model: The base model.
    """

    def __init__(self, model: Any) -> None:
        self.base = model
        self.model = model
        self.current: Path | None = None
        self._names: dict[Path, str] = {}
        self._own: list[tuple[torch.nn.Parameter, torch.Tensor]] = []

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
            if self.base.device.type == "cpu" and self._can_merge(name):
                self._merge(adapter, name)
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
        started = read_json(adapter / "adapter_config.json").get("init_lora_weights")
        if str(started).startswith(REWRITING_INITS):
            raise ValueError(
                f'it is relative to weights that "{started}" made; save it as an adapter of the base itself'
            )
        if self._names:
            self.model.load_adapter(str(adapter), adapter_name=name, use_safetensors=True)
        else:
            with old_names_allowed():
                self.model = PeftModel.from_pretrained(self.base, str(adapter), adapter_name=name).eval()

    def _can_merge(self, name: str) -> bool:
        config = self.model.peft_config[name]
        return str(config.peft_type.value) == "LORA" and not any(getattr(config, key, None) for key in BESIDE)

    def _layers(self) -> list[Any]:
        from peft.tuners.lora import LoraLayer

        return [module for module in self.model.modules() if isinstance(module, LoraLayer)]

    @torch.no_grad()
    def _merge(self, adapter: Path, name: str) -> None:
        """Let PEFT merge, which knows its variants (DoRA's is no plain sum), into copies: `safe_merge`."""
        for layer in self._layers():
            self._own += [(weight, weight.data) for weight in layer.get_base_layer().parameters()]
            try:
                layer.merge(safe_merge=True, adapter_names=[name])
            except ValueError as error:
                self._restore()
                raise ModelError(f'the adapter "{adapter}" cannot be merged: {error}') from error
            # A disabled layer that knows it is merged would take the adapter out again by arithmetic.
            layer.merged_adapters.clear()

    def _restore(self) -> None:
        for weight, data in self._own:
            weight.data = data
        self._own = []
        self.current = None
        if self._names:
            self.model.base_model.disable_adapter_layers()
