"""The room of knowledge: the index, and what a search finds in it, with every score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from loresmith.knowledge.explaining import Explanation
from loresmith_tui.screens.dialogs import Choice
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room
from loresmith_tui.searching import Search
from loresmith_tui.shown import one_line, plain, same_length
from loresmith_tui.widgets.bars import share
from loresmith_tui.widgets.table import Cell, Table, styled

EVERY = 0.5
"""Seconds between two looks while the index is built."""
AROUND = 600
"""Characters of the document that are shown before and after a chunk."""


class KnowledgeScreen(Room):
    """Index and search."""

    ROOM = "knowledge"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "query", "Search", key_display="/", tooltip="Write a query"),
        Binding("i", "index", "Index", tooltip="Bring the index up to date with the documents"),
        Binding("R", "rebuild", "Rebuild", show=False, tooltip="Cut and embed everything anew"),
        Binding("w", "why", "Why not…", tooltip="Say why a document is not among the hits"),
        Binding("s", "stop", "Stop", show=False, tooltip="Stop indexing; what is embedded is kept"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._search: Search | None = None
        self._found: Explanation | None = None
        self._indexing = False

    def furnish(self) -> ComposeResult:
        """Yield query, state, hits, and the chosen chunk in its document."""
        yield Input(placeholder="Search the documents: / to write here, Enter to search", id="query")
        yield Static("", id="status", classes="status", markup=False)
        yield Table(("", "document", "outcome"), id="hits")
        with VerticalScroll(id="chunk"):
            yield Static("", id="text", classes="text", markup=False)

    def on_mount(self) -> None:
        """Be ready."""
        self.query_one("#hits").focus()
        self.set_interval(EVERY, self._look)

    def read(self) -> None:
        """Say what is indexed."""
        if self.session.project is None:
            self._status("No project here. Press 1, then n to start one from a recipe.")
            return
        self.beside(lambda: len(self.search.indexed()), self._counted, group="count")

    @property
    def search(self) -> Search:
        """What searches."""
        if self._search is None:
            self._search = Search(self.session, self._told)
        return self._search

    def _told(self, what: str, done: int, total: int) -> None:
        if total and self.is_attached:
            self.app.call_from_thread(self._status, f"{what}: {done * 100 // total} %")

    def _counted(self, documents: int) -> None:
        if not self._indexing:
            there = f"{documents} documents are indexed" if documents else "Nothing is indexed yet: press i to index"
            found = self._found
            hits = f", {len(found.hits)} hits of {len(found.fates)} candidates" if found else ""
            self._status(f"{there}{hits}")

    def _status(self, text: str) -> None:
        self.query_one("#status", Static).update(one_line(text))

    # ----------------------------------------------------------------------------------------------------- searching

    def action_query(self) -> None:
        """Go to the query."""
        self.query_one("#query").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search."""
        query = event.value.strip()
        if query:
            self._status("searching; the first time the embedding model is loaded")
            self.beside(lambda: self.search.find(query), self._show, self._failed, group="search")

    def _failed(self, error: Exception) -> None:
        self._status("press i to index, / to search")
        self.tell(error)

    def _show(self, found: Explanation) -> None:
        self._found = found
        names = list(dict.fromkeys(name for fate in found.fates for name in fate.hit["scores"]))
        table = self.query_one("#hits", Table)
        rows = ((str(place), self._cells(place, names)) for place in range(len(found.fates)))
        table.fill(rows, ["", "document", "what became of it", "words", "score", *names])
        self.read()
        table.focus()
        if not found.fates:
            self.query_one("#text", Static).update(
                "Nothing is found. Try other words, or press i if documents changed."
            )

    def _cells(self, place: int, names: list[str]) -> list[Cell]:
        fate = self._found.fates[place] if self._found else None
        if fate is None:
            return []
        hit, style = fate.hit, self.colour("success") if fate.n else "dim"
        scores = [_number(hit["scores"].get(name)) for name in names]
        place_text = f"{hit['document']} {hit['start']}-{hit['end']}"
        number = styled(str(fate.n) if fate.n else "-", style)
        outcome = one_line(fate.outcome, 30)
        return [number, one_line(place_text, 32), outcome, " ".join(fate.words), _number(hit["score"]), *scores]

    @property
    def _chosen(self) -> Mapping[str, Any] | None:
        key = self.query_one("#hits", Table).chosen
        return self._found.fates[int(key)].hit if self._found and key is not None else None

    def on_data_table_row_highlighted(self) -> None:
        """Show the chosen chunk within its document."""
        hit = self._chosen
        if hit:
            self.beside(lambda: self._around(hit), self.query_one("#text", Static).update, group="around")

    def _around(self, hit: Mapping[str, Any]) -> Content:
        document = self.session.documents().get(hit["document"])
        text, start, end = (document.text, hit["start"], hit["end"]) if document else (hit["text"], 0, len(hit["text"]))
        before, chunk, after = text[max(0, start - AROUND) : start], text[start:end], text[end : end + AROUND]
        return Content.assemble(
            (f"{plain(hit['document'])} characters {start}-{end}, Enter opens it\n", "$primary bold"),
            (same_length(chunk), "bold"),
            ("\n--- before it ---\n" + same_length(before) if before.strip() else "", "$text-muted"),
            ("\n--- after it ---\n" + same_length(after) if after.strip() else "", "$text-muted"),
        )

    def on_data_table_row_selected(self) -> None:
        """Open the document at the chunk."""
        hit = self._chosen
        if hit:
            self.beside(self.session.documents, lambda documents: self._open(hit, documents), group="open")

    def _open(self, hit: Mapping[str, Any], documents: Mapping[str, Any]) -> None:
        document = documents.get(hit["document"])
        if document is not None:
            self.app.push_screen(Reading(hit["document"], document.text, hit["start"], hit["end"]))

    def action_why(self) -> None:
        """Ask which document was expected, and say why it is not there."""
        if self._found is None:
            self.say("Search for something first: press /.")
            return
        self.beside(self.search.indexed, self._ask_which, group="why")

    def _ask_which(self, documents: list[str]) -> None:
        options = [(document, document) for document in sorted(documents)]
        self.app.push_screen(Choice("Which document did you expect?", options), self._explain)

    def _explain(self, document: str | None) -> None:
        found = self._found
        if document and found:
            self.beside(lambda: self.search.why_not(found, document), self._explained, group="why")

    def _explained(self, reason: str) -> None:
        self.query_one("#text", Static).update(plain(reason))

    # ------------------------------------------------------------------------------------------------------ indexing

    def action_index(self) -> None:
        """Bring the index up to date."""
        self._start("index")

    def action_rebuild(self) -> None:
        """Cut and embed everything anew."""
        self._start("index", "--rebuild")

    def _start(self, *words: str) -> None:
        self.beside(lambda: self.session.jobs.start(*words), self._started, group="start")

    def _started(self, _: None) -> None:
        self._indexing = True
        self._status("starting to index")

    def action_stop(self) -> None:
        """Stop indexing."""
        self.beside(
            self.session.jobs.stop, lambda there: self.say("stopping" if there else "nothing is at work"), group="stop"
        )

    def _look(self) -> None:
        if not self._indexing:
            return
        jobs = self.session.jobs
        if jobs.running:
            activity, percent = jobs.progress() or ("loading the libraries", 0)
            self._status(f"{share(percent, 100, 20)} {percent:3} %  {activity}   s stops")
            return
        self._indexing = False
        said = jobs.said()
        if jobs.code == 0:
            self.say("\n".join(said[-3:]))
        else:
            self.notify(plain("\n".join(said[-4:])), title="indexing ended", severity="error", markup=False, timeout=12)
        self.read()


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(int(value)) if value == int(value) else f"{value:.4f}"
