"""The reference page of components and their options, made from their specs.

python tests/component_page.py > docs/reference/components.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loresmith.host import PluginHost
from loresmith.specs import (
    ChunkerSpec,
    EmbedderSpec,
    EngineSpec,
    MakerSpec,
    MethodSpec,
    MetricSpec,
    RetrieverSpec,
    SourceSpec,
    Spec,
    StoreSpec,
)

HEAD = """\
# Components

Every built-in component with its options. In a recipe `kind:` (for a stage, `method:`) picks one and the other keys are
its options; `loresmith plugins ls` shows what other packages add. A test holds this page against the code.
"""
ROOMS: tuple[tuple[str, type[Spec]], ...] = (
    ("Sources", SourceSpec),
    ("Chunkers", ChunkerSpec),
    ("Embedders", EmbedderSpec),
    ("Stores", StoreSpec),
    ("Retrievers", RetrieverSpec),
    ("Engines", EngineSpec),
    ("Methods", MethodSpec),
    ("Makers", MakerSpec),
    ("Metrics", MetricSpec),
)


def page() -> str:
    """Return the page."""
    host = PluginHost()
    parts = [HEAD]
    for title, spec_type in ROOMS:
        parts.append(f"\n## {title}\n")
        specs = sorted(host.registry.of(spec_type), key=lambda spec: spec.name)
        parts += ["\n" + "\n".join(_component(spec)) + "\n" for spec in specs]
    return "".join(parts)


def _component(spec: Spec) -> Iterator[str]:
    yield f"### {spec.name}"
    yield ""
    yield f"{spec.summary}."
    rows = [_row(name, field) for name, field in spec.options.model_fields.items()]
    if rows:
        yield from ("", "| option | default | meaning |", "| --- | --- | --- |", *rows)


def _row(name: str, field: FieldInfo) -> str:
    default = "required" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True))}`"
    meaning = (field.description or "").replace("|", "\\|")
    choices = " · ".join(f"`{choice}`" for choice in _choices(field.annotation))
    return f"| `{name}` | {default} | {meaning}{f': {choices}' if choices else ''} |"


def _choices(annotation: Any) -> tuple[str, ...]:
    found = getattr(annotation, "__args__", ()) if "Literal" in str(annotation) else ()
    return tuple(choice for choice in found if isinstance(choice, str))


def _shown(value: Any) -> str:
    return json.dumps(value.model_dump() if isinstance(value, BaseModel) else value, ensure_ascii=False).strip('"')


if __name__ == "__main__":
    print(page(), end="")
