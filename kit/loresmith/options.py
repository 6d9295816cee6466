"""The base of all options models: what a component may be told in a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options of one component. Unknown keys are refused; values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
