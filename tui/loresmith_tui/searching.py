"""Looks into retrieval: what a search finds, by the recipe's settings or by others, and why something is not found."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from loresmith.assistant.open import engine_of
from loresmith.knowledge.bases import index_fingerprint, named_bases
from loresmith.knowledge.explaining import Explanation, explain, indexed_documents, matches, why_not
from loresmith.knowledge.lookup import Lookup, open_lookup
from loresmith.knowledge.trying import Moved, moved, settings_form, tried, write_settings
from loresmith.recipe.form import Row
from loresmith.recipe.models import Recipe
from loresmith.recipe.positions import KeyPath
from loresmith_tui.session import Session
from loresmith_tui.talking import Told

OPEN = 4
"""Ways to search that stay loaded."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Args:
        explanation: The search, explained.
        moved: How its hits moved against those of the recipe's settings; None where no others are tried.
    """

    explanation: Explanation
    moved: list[Moved] | None


class Search:
    """Searches the project's index; what is loaded for it stays loaded as long as recipe and index are the same.

    Args:
        session: The project and its plugins.
        told: Told how far a model is loaded.
    """

    def __init__(self, session: Session, told: Told) -> None:
        self._session, self._told = session, told
        self._lookups: dict[str, Lookup] = {}
        self._of: object = None
        self._last: Lookup | None = None
        self._lock = threading.Lock()
        self.base: str | None = None
        """The knowledge base that is searched alone; None for all."""
        self.settings: dict[KeyPath, Any] = {}
        """Settings that are tried; replaced, never changed: a search may be at work with them."""

    def find(self, query: str) -> Found:
        """Return what is found, and what became of every candidate; raises as `tried` if the settings are wrong."""
        with self._lock:
            settings = self.settings
            lookup = self._lookup(settings)
            explanation = explain(lookup, query)
            self._last = lookup
            if not settings:
                return Found(explanation, None)
            return Found(explanation, moved(self._lookup({}).search([query])[0], explanation.hits))

    def matches(self, query: str, text: str) -> list[tuple[int, int]]:
        """Return where in a text the words of a query stand."""
        return matches(self._last, query, text) if self._last else []

    def why_not(self, found: Explanation, document: str) -> str:
        """Return in words why a document is not among the hits."""
        return why_not(self._last or self._lookup(self.settings), found, document, self.indexed())

    def indexed(self) -> list[str]:
        """Return the ids of the documents in the index, or in that of the base."""
        recipe = self._session.recipe()
        return indexed_documents(self._session.here, recipe, self.base)

    def bases(self) -> list[str]:
        """Return the names of the knowledge bases, an empty one for that without a name."""
        return [each.name for each in named_bases(self._session.recipe().knowledge, self._session.here.index)]

    def form(self) -> list[Row]:
        """Return the settings as rows of a form."""
        return settings_form(self._session.recipe(), self.settings, self._session.host.registry, self.base)

    def write(self) -> None:
        """Write what is tried into the recipe; raises as `tried` if it is wrong."""
        session = self._session
        recipe = tried(session.recipe(), self.settings, session.host.registry, self.base)
        write_settings(session.here, recipe, self.settings, self.base)
        self.settings = {}

    def _lookup(self, settings: dict[KeyPath, Any]) -> Lookup:
        session = self._session
        recipe = session.recipe()
        wanted = (session.here.root, index_fingerprint(session.here.index), recipe)
        if self._of != wanted:
            self._of, self._lookups = wanted, {}
        key = repr((self.base, sorted(settings.items())))
        if key not in self._lookups:
            how = tried(recipe, settings, session.host.registry, self.base) if settings else recipe
            self._lookups = dict(list(self._lookups.items())[1 - OPEN :]) | {key: self._opened(how)}
        return self._lookups[key]

    def _opened(self, recipe: Recipe) -> Lookup:
        session = self._session
        store = session.store()
        embedding = partial(store.path, kind="embedding", progress=self._told)
        engine = partial(engine_of, recipe, session.host, store)
        return open_lookup(session.here, recipe, session.host, embedding, engine, base=self.base)
