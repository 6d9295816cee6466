"""Looks into retrieval: what a search finds, what became of every candidate, and why something is not found."""

from __future__ import annotations

from functools import partial

from loresmith.assistant.open import engine_of
from loresmith.knowledge.bases import index_fingerprint
from loresmith.knowledge.explaining import Explanation, explain, indexed_documents, why_not
from loresmith.knowledge.lookup import Lookup, open_lookup
from loresmith_tui.session import Session
from loresmith_tui.talking import Told


class Search:
    """Searches the project's index; what is loaded for it stays loaded as long as recipe and index are the same.

    Args:
        session: The project and its plugins.
        told: Told how far a model is loaded.
    """

    def __init__(self, session: Session, told: Told) -> None:
        self._session, self._told = session, told
        self._lookup: Lookup | None = None
        self._of: object = None

    def find(self, query: str) -> Explanation:
        """Return what is found, and what became of every candidate."""
        return explain(self._opened(), query)

    def why_not(self, found: Explanation, document: str) -> str:
        """Return in words why a document is not among the hits."""
        return why_not(self._opened(), found, document, self.indexed())

    def indexed(self) -> list[str]:
        """Return the ids of the documents in the index."""
        return indexed_documents(self._session.here, self._session.recipe())

    def _opened(self) -> Lookup:
        session = self._session
        project, recipe = session.here, session.recipe()
        wanted = (project.root, index_fingerprint(project.index), recipe)
        if self._lookup is None or self._of != wanted:
            store = session.store()
            embedding = partial(store.path, kind="embedding", progress=self._told)
            engine = partial(engine_of, recipe, session.host, store)
            self._lookup = open_lookup(project, recipe, session.host, embedding, engine)
            self._of = wanted
        return self._lookup
