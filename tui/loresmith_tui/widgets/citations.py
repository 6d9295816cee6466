"""The citations of an answer, each with what its check found."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.values import Citation
from loresmith_tui.shown import signs
from loresmith_tui.widgets.table import Cell, Table, styled


class Citations(Table):
    """One line a citation; hidden where there is none."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(("", "document", "check", "quote"), id=id)
        self._citations: Sequence[Citation] = ()

    def show(self, citations: Sequence[Citation]) -> None:
        """Show the citations of another answer."""
        self._citations = citations
        self.display = bool(citations)
        self.fill((str(number), self._cells(citation)) for number, citation in enumerate(citations))

    @property
    def citation(self) -> Citation:
        """The one at the cursor."""
        return self._citations[self.cursor_row]

    def _cells(self, citation: Citation) -> list[Cell]:
        if citation.supported:
            check = styled(f"{signs().good} supported", self.app.theme_variables["success"])
        else:
            why = citation.why or "the passage does not say it"
            check = styled(f"{signs().bad} {why}", self.app.theme_variables["error"])
        return [f"[{citation.n}]", citation.document, check, citation.quote]
