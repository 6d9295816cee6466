"""Finds instructions to the assistant in what was retrieved, and keeps them from the model."""

from __future__ import annotations

from loresmith.hooks import hookimpl
from loresmith.values import Hit, Trace


@hookimpl
def filter_hits(query: str, hits: list[Hit], trace: Trace) -> None:  # noqa: ARG001
    """Withhold the sentences that give orders to the assistant, or drop their passages.

    Goes by the setting `injection` of the trace: `mark` (also where nothing is set), `drop` or `off`.
    """
    mode = trace.settings.get("injection", "mark")
    if mode != "off":
        from loresmith_plugins.guards.withholding import withhold  # its rules are compiled where hits are looked at

        withhold(hits, trace, drop=mode == "drop")
