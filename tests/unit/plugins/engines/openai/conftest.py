"""Engines on scripted endpoints, quick to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loresmith_plugins.engines.openai import OpenAIOptions, pace
from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
from scripted_endpoint import ScriptedEndpoint

Make = Callable[..., OpenAIChatModel]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long before a repetition."""
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.005)


@pytest.fixture
def make() -> Make:
    """Make an engine of an endpoint, or of a URL; keyword arguments are options."""

    def engine(endpoint: ScriptedEndpoint | str, **options: Any) -> OpenAIChatModel:
        url = endpoint if isinstance(endpoint, str) else endpoint.url
        return OpenAIChatModel.of(OpenAIOptions.model_validate({"url": url, "model": "scripted", **options}))

    return engine
