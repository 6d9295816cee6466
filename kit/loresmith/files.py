"""Files that are never half written: temporary name first, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_LEFT = re.compile(r"\.(?P<name>.+)\.\d+\.(?P<kind>tmp|old)")
"""Names that `replacing` gives to what is not whole yet, and to what is about to be removed."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; it takes the place of `path` when the block ends well.

    Works for files and for folders (a folder that stands there is moved aside first, then removed).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(temporary)
    try:
        yield temporary
        _sync(temporary)
        if path.is_dir():
            aside = path.with_name(f".{path.name}.{os.getpid()}.old")
            _remove(aside)
            path.rename(aside)
            temporary.rename(path)
            _remove(aside)
        else:
            temporary.replace(path)
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically: UTF-8, lines ended by a line feed."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """Write a JSON Lines file atomically."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def copy_folder(source: Path, folder: Path) -> None:
    """Copy a folder atomically. Weights, which are never written in place, are linked where the file system can."""
    with replacing(folder) as temporary:
        shutil.copytree(source, temporary, copy_function=_copy)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_jsonl(path: Path) -> list[Any]:
    """Read a JSON Lines file that this program wrote."""
    # Not `splitlines`: a text may hold U+2028 and the like, at which that would cut a row in two.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def file_hash(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_hash(folder: Path, pattern: str = "**/*", hash_of: Callable[[Path], str] = file_hash) -> str:
    """Return the hex SHA-256 over the names and contents of the files in a folder, temporary files left out.

    `hash_of` gives the hash of one file; a caller may remember those.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        if path.is_file() and not path.name.startswith("."):
            digest.update(f"{path.relative_to(folder).as_posix()}\0{hash_of(path)}\0".encode())
    return digest.hexdigest()


def sweep(folder: Path) -> None:
    """Take away what killed writers left half done in a folder, and put back what one had only moved aside.

    Nobody else may write below the folder meanwhile.
    """
    left = [(path, found) for path in folder.rglob(".*") if (found := _LEFT.fullmatch(path.name))]
    for path, found in sorted(left, key=lambda each: each[1]["kind"]):
        whole = path.with_name(found["name"])
        if found["kind"] == "old" and not whole.exists():
            path.rename(whole)
        else:
            _remove(path)


def _copy(source: str, target: str) -> None:
    if source.endswith(".safetensors"):
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
