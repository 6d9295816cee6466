"""The index of a project: all its knowledge bases brought up to date, and opened for search as one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from loresmith.host import PluginHost
from loresmith.knowledge.base_index import BaseIndex
from loresmith.knowledge.bases import NamedBase, named_bases
from loresmith.knowledge.parts import Parts
from loresmith.knowledge.report import IndexReport
from loresmith.knowledge.several import SeveralRetriever
from loresmith.modelstore.store import ModelStore
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.specs import Progress, Retriever

__all__ = ["IndexReport", "open_retriever", "refresh"]


def refresh(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    progress: Progress | None = None,
    *,
    rebuild: bool = False,
    base: str | None = None,
) -> IndexReport:
    """Bring the index up to date with the documents.

    Args:
        project: Where the index is.
        recipe: What it is made of.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model by its name.
        progress: Told how many texts are embedded.
        rebuild: Cut and embed everything anew.
        base: Name of the one knowledge base to bring up to date; all of them if not given.

    Raises:
        DataError: If documents cannot be read; the index stays as it was.
        RetrievalError: If the store cannot be used, or the documents hold no text.
        UsageError: If no base has that name.
    """
    reports = {
        named.name: BaseIndex(named, _parts(named, project, recipe, host, resolve_model), project.root, host).refresh(
            progress, rebuild=rebuild
        )
        for named in named_bases(recipe.knowledge, project.index, base)
    }
    return IndexReport.of(reports)


def open_retriever(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    *,
    base: str | None = None,
) -> Retriever:
    """Open the index for search; the embedding model and the store are loaded at the first query.

    Its hits have not passed the plugins: questions go through `open_lookup`.

    Args:
        project: Where the index is.
        recipe: What it was made of.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model by its name.
        base: Name of the one knowledge base to search; all of them, fused, if not given.

    Raises:
        RetrievalError: If there is no index, it is damaged, or the recipe asks for another one.
        UsageError: If no base has that name.
    """
    opened: dict[str, Retriever] = {}
    wanted: list[int] = []
    for named in named_bases(recipe.knowledge, project.index, base):
        parts = _parts(named, project, recipe, host, resolve_model)
        opened[named.name] = BaseIndex(named, parts, project.root, host).open()
        wanted += [parts.k] if parts.k else []
    return next(iter(opened.values())) if len(opened) == 1 else SeveralRetriever(opened, max(wanted, default=None))


def _parts(
    named: NamedBase, project: Project, recipe: Recipe, host: PluginHost, resolve_model: Callable[[str], Path]
) -> Parts:
    base_model = partial(ModelStore.for_host(host, project.root).path, recipe.base)
    return Parts(named.base, host.registry, resolve_model, base_model)
