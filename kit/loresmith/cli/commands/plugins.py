"""`loresmith plugins`: what is loaded and what failed."""

from __future__ import annotations

from typing import Any

import click

from loresmith.cli.common import Session, shared_options
from loresmith.errors import PluginNotFound
from loresmith.host import PluginHost, PluginStatus
from loresmith.registry import KINDS, Registry


@click.group(name="plugins")
def command() -> None:
    """Show what is loaded and what failed."""


@command.command("ls")
@shared_options
def list_plugins(session: Session) -> None:
    """List the plugins: state, distribution, version, what each provides."""
    from loresmith.cli.table import table

    statuses = PluginHost.from_environment(session.disabled).statuses
    heads = ("plugin", "state", "distribution", "version", "provides")

    def text() -> str:
        rows = ((s.name, s.state, s.distribution, s.version, s.error or s.offers) for s in statuses)
        return table(heads, [tuple(cell or "-" for cell in row) for row in rows])

    session.show({"plugins": [_as_json(status) for status in statuses]}, text)


@command.command("show")
@shared_options
@click.argument("name")
def show_plugin(session: Session, name: str) -> None:
    """Show one plugin: what it provides, with the options of each part."""
    host = PluginHost.from_environment(session.disabled)
    status = next((s for s in host.statuses if s.name == name), None)
    if status is None:
        there = ", ".join(s.name for s in host.statuses)
        raise PluginNotFound(f'no plugin named "{name}"', f"Plugins: {there or 'none'}.")
    parts = _parts(host.registry, status)
    session.show(_as_json(status) | {"parts": parts}, lambda: _page(status, parts))


def _as_json(status: PluginStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "distribution": status.distribution,
        "version": status.version,
        "state": status.state,
        "error": status.error,
        "provides": status.provides,
        "hooks": list(status.hears),
    }


def _parts(registry: Registry, status: PluginStatus) -> list[dict[str, Any]]:
    specs = [(kind, registry.get(KINDS[kind], name)) for kind, names in status.provides.items() for name in names]
    return [
        {
            "kind": kind,
            "name": spec.name,
            "summary": spec.summary,
            "options": {
                name: {"help": field.description or "", "required": field.is_required(), "default": _default(field)}
                for name, field in spec.options.model_fields.items()
            },
        }
        for kind, spec in specs
    ]


def _default(field: Any) -> Any:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _page(status: PluginStatus, parts: list[dict[str, Any]]) -> str:
    from loresmith.cli.errors import plain

    lines = [
        f"{status.name}: {status.state}, from {status.distribution or 'nowhere installed'} {status.version}".rstrip()
    ]
    if status.error:
        lines.append(f"  {status.error}")
    if status.hears:
        lines.append(f"hooks: {', '.join(status.hears)}")
    for part in parts:
        lines.append(f"{part['kind'].removesuffix('s')} {part['name']}: {part['summary']}")
        for name, option in part["options"].items():
            default = "required" if option["required"] else f"default {option['default']}"
            lines.append(f"  {name}: {option['help']} ({default})")
    return plain("\n".join(lines))
