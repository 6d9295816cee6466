"""A key-value cache with room to grow.

The library's dynamic cache copies every layer at every new token; with 48 rows of 400 tokens that is a gigabyte a step.
This one is allocated once for the longest reply and written in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import Cache, DynamicLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


class RoomyLayer(DynamicLayer):
    """Keys and values of one layer, shape (rows, heads, room, head size), filled up to `length`."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int) -> None:
        super().__init__()
        self._keys, self._values, self._length = keys, values, length
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True
        self._show()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new keys and values behind those that are there, and return all."""
        end = self._length + key_states.shape[-2]
        self._keys[:, :, self._length : end] = key_states
        self._values[:, :, self._length : end] = value_states
        self._length = end
        self._show()
        return self.keys, self.values

    def keep_rows(self, rows: torch.Tensor) -> None:
        """Keep only these rows."""
        self._keys, self._values = self._keys[rows], self._values[rows]
        self._show()

    def forget(self, count: int) -> None:
        """Take the last `count` positions back."""
        self._length -= count
        self._show()

    def _show(self) -> None:
        self.keys = self._keys[:, :, : self._length]
        self.values = self._values[:, :, : self._length]


class RoomyCache(Cache):
    """The layers' caches of a batch whose prompts end at the same position."""

    def __init__(self, layers: Sequence[RoomyLayer]) -> None:
        super().__init__(layers=list(layers))

    def keep_rows(self, rows: torch.Tensor) -> None:
        """Keep only these rows, in every layer."""
        for layer in self.layers:
            layer.keep_rows(rows)

    def forget(self, count: int) -> None:
        """Take the last `count` positions back, in every layer."""
        for layer in self.layers:
            layer.forget(count)
