"""Fetches a model from the Hugging Face hub: safetensors, config and tokenizer; never pickles, never code."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from loresmith.errors import ModelError, ModelRefused
from loresmith.files import read_json
from loresmith.modelstore.folder import check_folder, check_listing
from loresmith.modelstore.growth import watched
from loresmith.specs import Progress

SMALL = ("*.json", "*.txt", "*.model", "*.jinja")
WEIGHTS = ("*.safetensors",)
OTHER_FORMATS = ("onnx/*", "openvino/*", "original/*", "coreml/*")
OFFLINE = "LORESMITH_MODELS_OFFLINE"
"""Environment variable that forbids every download; those of the hub's own libraries forbid the hub alone."""
PATIENCE = 6.0
"""Seconds until the hub counts as unreachable."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub at one revision; `files` are name and bytes of what would be fetched."""

    name: str
    revision: str
    files: dict[str, int]


def nothing_may_be_fetched() -> bool:
    """Return whether the user forbade every download, from the hub or as a wheel."""
    return _is_set(OFFLINE)


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes", "on")


def _forbidden() -> None:
    for variable in (OFFLINE, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if _is_set(variable):
            raise ModelError(f"not asked, for {variable} is set")


def look_up(name: str) -> HubModel:
    """Ask the hub for a model's files.

    Raises:
        ModelError: If the hub cannot be asked or does not give the model.
        ModelRefused: If the model is not one that can be used here.
    """
    _forbidden()
    info = _model_info(name)
    listed = {str(file.rfilename): int(file.size or 0) for file in info.siblings or []}
    check_listing(listed, name)
    wanted = {file: size for file, size in listed.items() if _wanted(file)}
    return HubModel(name, str(info.sha), wanted)


def download(model: HubModel, folder: Path, check: Callable[[Path], None], progress: Progress) -> None:
    """Fetch a model into `folder`, the small files first; `check` looks at those before the weights are fetched.

    Raises:
        ModelError: If the hub stops answering. What was fetched stays, and a next call goes on from there.
        ModelRefused: If the model, or `check`, says no.
    """
    _snapshot(model, folder, SMALL)
    check(folder)
    with watched(folder, sum(model.files.values()), progress):
        _snapshot(model, folder, (*SMALL, *WEIGHTS))
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    check_folder(folder, model.name)


def fetch_config(name: str) -> dict[str, Any]:
    """Fetch a model's config.json alone and return what it says; raises as `look_up`."""
    _forbidden()
    try:
        from httpx import HTTPError
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RemoteEntryNotFoundError
    except ImportError as error:
        raise ModelError("not asked, for huggingface_hub is not installed") from error
    try:
        config = read_json(Path(hf_hub_download(name, "config.json", etag_timeout=PATIENCE)))
    except HFValidationError as error:
        raise ModelError("not asked, for this is no hub id") from error
    except RemoteEntryNotFoundError as error:
        raise ModelRefused(f'"{name}" has no config.json on the hub', "Name a model, not an adapter.") from error
    except HfHubHTTPError as error:
        raise ModelError(_refusal(error)) from error
    except (HTTPError, OSError) as error:
        raise ModelError(f"unreachable ({_brief(error)})") from error
    except ValueError as error:
        raise ModelRefused(f'the config.json of "{name}" on the hub is no JSON: {error}') from error
    if not isinstance(config, dict):
        raise ModelRefused(f'the config.json of "{name}" on the hub holds no keys')
    return config


def _wanted(file: str) -> bool:
    return any(fnmatch(file, p) for p in (*SMALL, *WEIGHTS)) and not any(fnmatch(file, p) for p in OTHER_FORMATS)


def _model_info(name: str) -> Any:
    try:
        from httpx import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise ModelError("not asked, for huggingface_hub is not installed") from error
    try:
        return HfApi().model_info(name, timeout=PATIENCE, files_metadata=True)
    except HFValidationError as error:
        raise ModelError("not asked, for this is no hub id") from error
    except HfHubHTTPError as error:
        raise ModelError(_refusal(error)) from error
    except (HTTPError, OSError) as error:
        raise ModelError(f"unreachable ({_brief(error)})") from error


def _snapshot(model: HubModel, folder: Path, patterns: tuple[str, ...]) -> None:
    from httpx import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        snapshot_download(
            model.name,
            revision=model.revision,
            local_dir=folder,
            allow_patterns=list(patterns),
            ignore_patterns=list(OTHER_FORMATS),
            etag_timeout=PATIENCE,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, HTTPError) as error:
        raise ModelError(f"the download broke off ({_brief(error)}); the next try goes on from there") from error
    finally:
        if shown:
            enable_progress_bars()


def _refusal(error: Any) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "gated: ask for access on its page, then log in with `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "unknown there, or private (log in with `hf auth login`)"
    return f"unreachable ({_brief(error)})"


def _brief(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
