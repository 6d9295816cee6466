"""From a recipe's component to the spec and the checked options of the plugin that offers it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from loresmith.errors import Problem, RecipeError
from loresmith.options import Options
from loresmith.recipe.models import Component, Stage
from loresmith.recipe.positions import key_path
from loresmith.recipe.wording import findings
from loresmith.registry import Registry
from loresmith.specs import MethodSpec, Spec

S = TypeVar("S", bound=Spec)


def resolve(registry: Registry, spec_type: type[S], component: Component) -> tuple[S, Options]:
    """Return the spec that `component` names and its options, checked.

    Raises:
        PluginNotFound, PluginFailed: If no loaded plugin offers the name.
        RecipeError: If the options are wrong.
    """
    spec = registry.get(spec_type, component.kind)
    return spec, _checked(spec, component.options)


def resolve_stage(registry: Registry, stage: Stage) -> tuple[MethodSpec, Options]:
    """Return the method that `stage` names and its options, checked; raises as `resolve`."""
    spec = registry.get(MethodSpec, stage.method)
    return spec, _checked(spec, stage.options)


def _checked(spec: Spec, options: dict[str, object]) -> Options:
    try:
        return spec.options.model_validate(options)
    except ValidationError as error:
        found = findings(error, spec.options, options)
        problems = [Problem(f.what, key=key_path((spec.name, *f.path)), hint=f.hint) for f in found]
        raise RecipeError(f'the options of "{spec.name}" are wrong', problems) from error
