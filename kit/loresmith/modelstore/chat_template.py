"""A chat model says how a conversation is written down; one that does not is refused rather than guessed at."""

from __future__ import annotations

import json
from pathlib import Path

from loresmith.errors import ModelRefused


def chat_template(folder: Path) -> str:
    """Return the chat template of the model in `folder`, or an empty text if it has none."""
    beside = folder / "chat_template.jinja"
    if beside.is_file():
        return beside.read_text(encoding="utf-8").strip()
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return ""
    try:
        value = json.loads(config.read_text(encoding="utf-8")).get("chat_template", "")
    except (ValueError, AttributeError) as error:
        raise ModelRefused(f'"{config}" is not a JSON object', "Copy or download the model again.") from error
    if isinstance(value, list):
        named = {entry.get("name"): entry.get("template", "") for entry in value if isinstance(entry, dict)}
        value = named.get("default", "")
    return value.strip() if isinstance(value, str) else ""


def require_chat_template(folder: Path, name: str) -> None:
    """Refuse a base model.

    Raises:
        ModelRefused: If the model in `folder` has no chat template.
    """
    if not chat_template(folder):
        raise ModelRefused(
            f'the model "{name}" has no chat template, so it was never taught to take turns',
            "Use its instruct variant as `base`; or put a chat_template.jinja beside the tokenizer in a copy "
            "on this disk and name that folder.",
        )
