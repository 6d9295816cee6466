"""Folders that look like models, for what only asks whether one is whole."""

from __future__ import annotations

import json
from pathlib import Path


def write_model(folder: Path, *, template: bool = True, weights: str = "model.safetensors") -> Path:
    """Write the files of a model; their contents are not looked at here."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    settings = {"chat_template": "{{ messages }}"} if template else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / weights).write_bytes(b"weights")
    return folder
