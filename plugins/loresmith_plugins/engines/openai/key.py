"""The key of an endpoint: read from the environment when a request is sent, and kept nowhere."""

from __future__ import annotations

import os

from loresmith.errors import ModelError


def read_key(name: str) -> str:
    """Return the key in the environment variable `name`, or an empty text where no name is given.

    Raises:
        ModelError: If the variable is not set or cannot be a key; it never says what it holds.
    """
    if not name:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise ModelError(
            f'the environment variable "{name}", which is to hold the key of the endpoint, is not set',
            f"Set it in the shell that runs the command: export {name}=...",
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(
            f'what the environment variable "{name}" holds cannot be a key: it has spaces or unusual characters',
            "Set it again; nothing but the key belongs into it.",
        )
    return key


def without_key(text: str, name: str) -> str:
    """Return `text` with the key taken out, for what an endpoint says of it."""
    key = os.environ.get(name, "").strip() if name else ""
    return text.replace(key, "***") if key else text
