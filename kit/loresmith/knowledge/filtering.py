"""What plugins make of what was retrieved: the hook `filter_hits`, applied to every search."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loresmith.errors import PluginFailed
from loresmith.host import PluginHost
from loresmith.specs import Retriever
from loresmith.values import Hit, Trace

Filter = Callable[[str, list[Hit]], list[Hit]]


def hit_filter(host: PluginHost) -> Filter:
    """Return the filter that the loaded plugins make together."""

    def filtered(query: str, hits: list[Hit]) -> list[Hit]:
        kept = list(hits)
        trace = Trace(question=query, query=query)
        try:
            host.hook.filter_hits(query=query, hits=kept, trace=trace)
        # A filter may keep back what must not be shown: if it fails, nothing is shown.
        except Exception as error:
            raise PluginFailed(f"a plugin's filter_hits failed: {type(error).__name__}: {error}") from error
        return kept

    return filtered


class FilteredRetriever:
    """A retriever whose hits have passed the plugins.

    Args:
        inner: The retriever itself, which may be more than ours: a LangChain retriever, say.
        keep: The filter.
    """

    def __init__(self, inner: Retriever, keep: Filter) -> None:
        self.inner = inner
        self._keep = keep

    def prepare(self) -> None:
        """Build and save what the retriever keeps beside the vectors."""
        self.inner.prepare()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first, less those that plugins dropped."""
        found = self.inner.search(queries, k)
        return [self._keep(query, hits) for query, hits in zip(queries, found, strict=True)]
