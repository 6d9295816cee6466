"""How the store `chroma` reaches its database: a folder, or a server with its token."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import RetrievalError
from loresmith.values import content_hash

if TYPE_CHECKING:
    from loresmith_plugins.stores.chroma import ChromaOptions

PATIENCE = 60.0
"""Seconds without an answer until a server counts as gone."""
_PORT = 8000


def place(options: ChromaOptions, folder: Path) -> tuple[str, str]:
    """Return how messages name the store, and what to do when it cannot be used."""
    if options.host is None:
        return f'in "{folder}"', "Run `loresmith index --rebuild`."
    port = options.port or _PORT
    start = f"See that it runs there (`chroma run --path DIR --port {port}`) and run the command again"
    return f'on the Chroma server "{options.host}:{port}"', f"{start}: what was embedded and written is kept."


def checkout(folder: Path) -> str:
    """Return the prefix of the collections of the index that a folder of vectors belongs to, on this machine."""
    return f"loresmith-{content_hash(socket.gethostname(), str(folder.resolve().parent))[:12]}"


def client(options: ChromaOptions, folder: Path) -> Any:
    """Return Chroma's client.

    Raises:
        RetrievalError: If the token's environment variable is empty.
        ValueError: If no server answers; and what else Chroma raises.
    """
    import chromadb
    from chromadb.config import Settings

    logging.getLogger("chromadb").setLevel(logging.ERROR)
    settings = Settings(anonymized_telemetry=False)
    if options.host is None:
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(str(folder), settings=settings)
    port = options.port or _PORT
    ssl = port == 443 if options.ssl is None else options.ssl
    made = chromadb.HttpClient(options.host, port, ssl=ssl, headers=_headers(options), settings=settings)
    for session in sessions(made):
        session.timeout = PATIENCE
    return made


def sessions(client: Any) -> list[Any]:
    """Return the connections of a server's client, which by itself waits for ever and closes none."""
    doors = (client, getattr(client, "_admin_client", None))
    found = (getattr(getattr(door, "_server", None), "_session", None) for door in doors)
    return [session for session in found if session is not None]


def hang_up(sessions: Sequence[Any]) -> None:
    """Close connections."""
    for session in sessions:
        session.close()


def _headers(options: ChromaOptions) -> dict[str, str]:
    """Return the token in both headers that servers and the proxies before them look at."""
    if options.token_env is None:
        return {}
    token = os.environ.get(options.token_env, "").strip()
    if not token:
        raise RetrievalError(
            f'the environment variable "{options.token_env}", which is to hold the Chroma server\'s token, is empty',
            f"Set it: export {options.token_env}=…",
        )
    return {"Authorization": f"Bearer {token}", "X-Chroma-Token": token}
