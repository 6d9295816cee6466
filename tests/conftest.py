"""Fixtures for all tests: no user config, no network, no ambient plugins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from loresmith.host import PluginHost, installed_plugins

# The workers of pytest-xdist share the cores; models this small are slower, not faster, on several threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Taken before any test moves the user's folders.
REAL_CACHE = user_cache_path("loresmith") / "models"


@pytest.fixture
def real_cache() -> Path:
    """The user's own model cache, for tests marked slow that need real weights."""
    return REAL_CACHE


@pytest.fixture(autouse=True)
def tmp_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point every user folder into a temporary one and forbid the hub."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".state"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.delenv("LORESMITH_DISABLE_PLUGINS", raising=False)
    return home


@pytest.fixture
def host() -> PluginHost:
    """The host with the project's own plugins and no others."""
    return PluginHost(points=[p for p in installed_plugins() if p.value.startswith("loresmith_plugins")])
