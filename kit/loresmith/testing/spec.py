"""The check of a spec itself: light, described, and with options a form can be made from."""

from __future__ import annotations

from loresmith.options import Options
from loresmith.specs import Spec


def check_spec(spec: Spec) -> None:
    """Check a spec: a summary in one line, options that refuse unknown keys, a description on each option."""
    assert spec.summary.strip(), f'"{spec.name}" has no summary'
    assert "\n" not in spec.summary, f'the summary of "{spec.name}" has more than one line'
    assert issubclass(spec.options, Options), f'the options of "{spec.name}" must derive from loresmith.options.Options'
    assert spec.options.model_config.get("extra") == "forbid", f'the options of "{spec.name}" must refuse unknown keys'
    bare = [name for name, field in spec.options.model_fields.items() if not field.description]
    assert not bare, f'options of "{spec.name}" without a description: {", ".join(bare)}'
