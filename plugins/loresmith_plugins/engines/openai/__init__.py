"""Engine `openai`: any endpoint that speaks OpenAI's chat completions, far away or on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import Engine, EngineSpec

if TYPE_CHECKING:
    Register = Callable[[EngineSpec], None]


class OpenAIOptions(Options):
    """Which endpoint is asked, how hard, and for how much."""

    url: str = Field(description="Base URL of the endpoint, up to what comes before /chat/completions")
    model: str = Field(min_length=1, description="Name of the model, as the endpoint lists it")
    key_env: str = Field(
        default="", description="Name of the environment variable that holds the key; empty where none is needed"
    )
    max_tokens: int = Field(default=128, ge=1, le=131_072, description="Longest reply, in tokens")
    window: int | None = Field(
        default=None, ge=64, description="Tokens the model reads and writes in all; prompts are fitted to it, if told"
    )
    concurrency: int = Field(default=4, ge=1, le=256, description="Requests under way at once")
    retries: int = Field(
        default=5, ge=0, le=100, description="How often a request is sent again that was refused for now or lost"
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds without an answer until a request counts as lost")
    max_total_tokens: int | None = Field(
        default=None, ge=1, description="Stop before requests and replies together take more tokens than this"
    )
    max_cost: float | None = Field(
        default=None, gt=0, description="Stop before they cost more than this, in the currency of the prices"
    )
    price_in: float | None = Field(default=None, ge=0, description="Price of a million tokens that are read")
    price_out: float | None = Field(default=None, ge=0, description="Price of a million tokens that are written")
    cache: bool = Field(default=True, description="Keep replies on this machine, so that nothing is asked twice")
    top_logprobs: int = Field(default=20, ge=1, le=1000, description="First tokens a judge is told the likelihood of")
    extra: dict[str, Any] = Field(
        default={}, description="More fields of the request, as the endpoint documents them; null takes a field out"
    )

    @field_validator("url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is not a URL that begins with https:// or http://")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("holds more than host, port and path; a key belongs into an environment variable")
        return url.rstrip("/")

    @field_validator("key_env")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if name and not (name.isascii() and name.isidentifier()):
            raise ValueError("is not the name of an environment variable; the key itself never stands in a recipe")
        return name

    @model_validator(mode="after")
    def _knows_prices(self) -> Self:
        if self.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("max_cost needs price_in and price_out, or nobody can say what is spent")
        return self


def _build(options: OpenAIOptions, _base: Path) -> Engine:
    from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel

    return OpenAIChatModel.of(options)


@hookimpl
def register_engines(register: Register) -> None:
    """Register the engine."""
    register(
        EngineSpec(
            name="openai",
            summary="Any OpenAI-compatible endpoint: a service, or a server on this machine",
            local=False,
            options=OpenAIOptions,
            build=_build,
        )
    )
