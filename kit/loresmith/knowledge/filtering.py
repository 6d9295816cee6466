"""What plugins make of what was retrieved: the hook `filter_hits`, applied to every search."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loresmith.errors import PluginFailed
from loresmith.host import PluginHost
from loresmith.values import Hit, Trace

Filter = Callable[[str, list[Hit]], list[Hit]]


def filter_hits(host: PluginHost, query: str, hits: Sequence[Hit], trace: Trace) -> list[Hit]:
    """Return what the loaded plugins leave of the hits, in their order; what they drop goes into `trace.filtered`.

    A plugin may say there itself why it drops a hit.

    Raises:
        PluginFailed: If one fails. It may keep back what must not be shown, so nothing is shown.
    """
    kept = list(hits)
    if not kept:
        return []
    try:
        host.hook.filter_hits(query=query, hits=kept, trace=trace)
    except Exception as error:
        raise PluginFailed(f"a plugin's filter_hits failed: {type(error).__name__}: {error}") from error
    told = {entry.get("chunk") for entry in trace.filtered} | {hit.chunk.id for hit in kept}
    trace.filtered += [{**hit.to_json(), "why": "a plugin dropped it"} for hit in hits if hit.chunk.id not in told]
    return kept


def hit_filter(host: PluginHost) -> Filter:
    """Return the filter that the loaded plugins make together, for doors that keep no trace."""
    return lambda query, hits: filter_hits(host, query, hits, Trace(question=query, query=query))
