"""Answers kept on this machine under the hash of what was asked, so that nothing is asked twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from loresmith.errors import ModelError
from loresmith.files import read_json, write_json
from loresmith.values import content_hash


class Kept:
    """One JSON file an answer, in the user's cache folder. What was asked is not kept, only its hash.

    Args:
        on: Whether answers are kept at all.
    """

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self.folder: Path = user_cache_path("loresmith") / "replies"

    @staticmethod
    def key(*parts: Any) -> str:
        """Return the hash of what is asked and of whom, JSON-able."""
        return content_hash(*(json.dumps(part, sort_keys=True, ensure_ascii=False) for part in parts))

    def find(self, key: str, fields: frozenset[str]) -> dict[str, Any] | None:
        """Return the answer, or None where there is no readable one with these fields."""
        if not self.on:
            return None
        try:
            answer = read_json(self._path(key))
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) and answer.keys() == fields else None

    def keep(self, key: str, answer: dict[str, Any]) -> None:
        """Keep an answer.

        Raises:
            ModelError: If it cannot be written: to go on would mean to pay for what gets lost.
        """
        if not self.on:
            return
        try:
            write_json(self._path(key), answer)
        except OSError as error:
            raise ModelError(
                f'an answer of the endpoint cannot be kept in "{self.folder}": {error.strerror or error}',
                "Make room there, or set `cache: false` for the engine.",
            ) from error

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
