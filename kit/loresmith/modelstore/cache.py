"""The models kept on this machine: one folder each, with a manifest that lets damage show."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loresmith.files import file_hash, read_json, write_json

MANIFEST = "loresmith-model.json"


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file of a cached model: size in bytes and hex SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the cache, as its manifest says.

    Args:
        source: `hub` or `wheel`.
        origin: The hub id with its revision, or the wheel with its hash.
    """

    name: str
    folder: Path
    source: str
    origin: str
    files: dict[str, CachedFile]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files.values())

    def damage(self, *, thorough: bool) -> str:
        """Return what is wrong with the files, or an empty text: by size, or by hash if `thorough`."""
        for name, kept in self.files.items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is gone"
            if path.stat().st_size != kept.size:
                return f"{name} has {path.stat().st_size} bytes, not {kept.size}"
            if thorough and file_hash(path) != kept.sha256:
                return f"{name} has other contents than when it was fetched"
        return ""


class ModelCache:
    """The folder of models, `<root>/<name>`, with `/` of a hub id written as `--`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        """Return where the model of that name is kept."""
        return self.root / name.replace("/", "--")

    def find(self, name: str) -> CachedModel | None:
        """Return the model as its manifest says, or None where there is no readable manifest."""
        return self._read(self.folder(name))

    def _read(self, folder: Path) -> CachedModel | None:
        try:
            manifest = read_json(folder / MANIFEST)
            files = {file: CachedFile(**entry) for file, entry in manifest["files"].items()}
            return CachedModel(manifest["name"], folder, manifest["source"], manifest["origin"], files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def models(self) -> list[CachedModel]:
        """Return every model that has a readable manifest, by name."""
        folders = sorted(path.parent for path in self.root.glob(f"*/{MANIFEST}"))
        found = (self._read(folder) for folder in folders)
        return [model for model in found if model is not None]

    @contextmanager
    def writing(self, name: str, note: Callable[[str], None]) -> Iterator[Path]:
        """Give a work folder, alone among all processes; what a killed one left there is removed.

        A folder `hub` in it survives until a block ends well, since a download from the hub resumes in it.
        """
        from filelock import FileLock, Timeout

        work = self.root / ".work" / name.replace("/", "--")
        work.mkdir(parents=True, exist_ok=True)
        lock = FileLock(work.with_suffix(work.suffix + ".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f'another process is fetching "{name}"; waiting for it')
            lock.acquire()
        try:
            work.mkdir(exist_ok=True)
            _clear(work, keep="hub")
            yield work
            _clear(work)
        finally:
            _clear(work, keep="hub")
            if not any(work.iterdir()):
                work.rmdir()
            lock.release()

    def remove(self, name: str) -> None:
        """Remove a model; must be called inside `writing`."""
        folder = self.folder(name)
        if folder.exists():
            shutil.rmtree(folder)

    def take(self, name: str, made: Path, source: str, origin: str) -> CachedModel:
        """Write the manifest of a finished folder and move it to its place, replacing what stands there.

        Must be called inside `writing`.
        """
        files = {
            path.relative_to(made).as_posix(): CachedFile(path.stat().st_size, file_hash(path))
            for path in sorted(made.rglob("*"))
            if path.is_file() and path.name != MANIFEST
        }
        manifest: dict[str, Any] = {"name": name, "source": source, "origin": origin}
        write_json(made / MANIFEST, manifest | {"files": {file: asdict(entry) for file, entry in files.items()}})
        target = self.folder(name)
        if target.exists():
            target.rename(made.with_name("replaced"))
        made.rename(target)
        return CachedModel(name, target, source, origin, files)


def _clear(work: Path, keep: str = "") -> None:
    for entry in work.iterdir():
        if entry.name == keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
