"""The room of knowledge: the index, what a search finds in it with every score, and other settings tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input, Static

from loresmith.errors import RecipeError
from loresmith.recipe.positions import key_path
from loresmith_tui.screens.dialogs import Choice, Confirm
from loresmith_tui.screens.indexing import IndexingRoom
from loresmith_tui.screens.reading import Reading
from loresmith_tui.searching import Found, Search
from loresmith_tui.widgets.chunk_view import ChunkView
from loresmith_tui.widgets.hits import Hits
from loresmith_tui.widgets.tried_settings import TriedSettings

WIDE = 110
"""Columns from which on the settings stand beside the hits."""
ALL, NAMELESS = "\0", "\1"
"""The choices of all knowledge bases, and of the one without a name."""


class KnowledgeScreen(IndexingRoom):
    """Search, with the recipe's settings or with others; and the index."""

    ROOM = "knowledge"
    # Who comes back from elsewhere wants the keys of the room, not the line to write in.
    AUTO_FOCUS = "#hits"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "query", "Search", key_display="/", tooltip="Write a query"),
        Binding("t", "settings", "Try", tooltip="Try other settings: each change searches again; the recipe stays"),
        Binding("W", "write", "Write", show=False, tooltip="Write the settings that are tried into the recipe"),
        Binding("x", "drop", "As recipe", show=False, tooltip="Search as the recipe says again"),
        Binding("w", "why", "Why not…", tooltip="Say why a document is not among the hits"),
        Binding("b", "base", "Base", tooltip="Search one knowledge base alone, or all"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._search: Search | None = None
        self._query, self._asked = "", 0
        self._found: Found | None = None

    def furnish(self) -> ComposeResult:
        """Yield query, state, hits, the chosen chunk in its document, and the settings."""
        yield Input(placeholder="Search the documents: / to write here, Enter to search", id="query")
        yield Static("", id="status", classes="status", markup=False)
        with Container(id="middle"):
            with Vertical(id="found"):
                yield Hits("hits")
                yield ChunkView(id="chunk")
            yield TriedSettings()

    def on_mount(self) -> None:
        """Be ready."""
        self.query_one("#hits").focus()

    def on_resize(self) -> None:
        """Put the settings where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")

    def read(self) -> None:
        """Say what is indexed."""
        if self.session.project is None:
            self.status("No project here. Press 1, then n to start one from a recipe.")
            return
        self.attach()
        self.beside(lambda: len(self.search.indexed()), self._counted, group="count")

    @property
    def search(self) -> Search:
        """What searches."""
        if self._search is None:
            self._search = Search(self.session, self._told)
        return self._search

    def _told(self, what: str, done: int, total: int) -> None:
        if total and self.is_attached:
            self.app.call_from_thread(self.status, f"{what}: {done * 100 // total} %")

    def _counted(self, documents: int) -> None:
        if self.indexing:
            return
        found, search = self._found, self.search
        base = "" if search.base is None else f'base "{search.base}": ' if search.base else "documents without a base: "
        if not documents:
            parts = ["Nothing is indexed yet: press i to index"]
        elif found:
            explanation = found.explanation
            parts = [f"{base}{len(explanation.hits)} hits of {len(explanation.fates)} candidates"]
            parts += [explanation.trace.refused] if explanation.trace.refused else []
        else:
            parts = [f"{base}{documents} documents are indexed: / searches them"]
        if search.settings:
            tried = ", ".join(f"{key_path(path)} {value}" for path, value in search.settings.items())
            parts.append(f"tried: {tried}; W writes, x drops")
        self.status(", ".join(parts))

    # ----------------------------------------------------------------------------------------------------- searching

    def action_query(self) -> None:
        """Go to the query."""
        self.query_one("#query").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search."""
        self._query = event.value.strip()
        if self._query:
            self.query_one("#hits").focus()
            self._search_again()

    def _search_again(self) -> None:
        query = self._query
        if query:
            self.status("searching; the first time the embedding model is loaded")
            self._asked += 1
            asked = self._asked
            self.beside(lambda: self.search.find(query), lambda found: self._show(found, asked), self._failed, "search")

    def _failed(self, error: Exception) -> None:
        if self.search.settings:
            problems = [f"{each.key}: {each.what}" for each in error.problems] if isinstance(error, RecipeError) else []
            self.query_one(TriedSettings).say_wrong("; ".join(problems) or " ".join(str(error).split()))
            self.read()
            return
        self.status("press i to index, / to search")
        self.tell(error)

    def _show(self, found: Found, asked: int) -> None:
        if asked != self._asked:
            return
        self._found = found
        self.query_one(TriedSettings).say_wrong("")
        self.query_one(Hits).show(found)
        self.read()
        if not found.explanation.fates:
            self.query_one(ChunkView).say("Nothing is found. Try other words, or press i if documents changed.")

    # ------------------------------------------------------------------------------------------------------- the hits

    @property
    def _chosen(self) -> Mapping[str, Any] | None:
        return self.query_one(Hits).hit

    def on_data_table_row_highlighted(self) -> None:
        """Show the chosen chunk within its document."""
        hit, query = self._chosen, self._query
        if hit:
            self.beside(lambda: self._around(hit, query), self._show_chunk, group="around")

    def _around(self, hit: Mapping[str, Any], query: str) -> tuple[Any, ...]:
        document = self.session.documents().get(hit["document"])
        whole, start, end = (
            (document.text, hit["start"], hit["end"]) if document else (hit["text"], 0, len(hit["text"]))
        )
        place = f"{hit['document']}, characters {hit['start']}-{hit['end']}; Enter opens it"
        return place, whole, start, end, self.search.matches(query, whole[start:end])

    def _show_chunk(self, what: tuple[Any, ...]) -> None:
        self.query_one(ChunkView).show(*what)

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
            self.beside(
                lambda: self.search.why_not(found.explanation, document), self.query_one(ChunkView).say, group="why"
            )

    def action_base(self) -> None:
        """Choose the knowledge base that is searched."""
        self.beside(self.search.bases, self._ask_base, group="base")

    def _ask_base(self, names: list[str]) -> None:
        bases = [(name or NAMELESS, name or "the documents without a base") for name in names]
        now = ALL if self.search.base is None else self.search.base or NAMELESS
        asked = Choice("Which knowledge base?", [(ALL, "all of them"), *bases], now)
        self.app.push_screen(asked, self._take_base)

    def _take_base(self, name: str | None) -> None:
        if name:
            self._use_base({ALL: None, NAMELESS: ""}.get(name, name))

    def _use_base(self, name: str | None) -> None:
        # What is tried is of one base's retriever, and means nothing for another.
        self.search.base, self.search.settings = name, {}
        self._fill_settings()
        self._search_again()
        self.read()

    # ----------------------------------------------------------------------------------------------------- the settings

    def action_settings(self) -> None:
        """Show or hide the settings."""
        self.toggle_class("-settings")
        if self.has_class("-settings"):
            self._fill_settings()
            self.query_one(TriedSettings).form.focus()
        else:
            self.query_one(Hits).focus()

    def _fill_settings(self) -> None:
        if self.has_class("-settings"):
            self.beside(self.search.form, self.query_one(TriedSettings).fill, group="form")

    def on_tried_settings_tried(self, message: TriedSettings.Tried) -> None:
        """Try a setting."""
        path = message.path
        if path[1:] == ("kind",):
            self.search.settings = {
                other: value for other, value in self.search.settings.items() if other[0] != path[0]
            }
        self.search.settings = {**self.search.settings, path: message.value}
        self._tried()

    def on_tried_settings_dropped(self, message: TriedSettings.Dropped) -> None:
        """Take a setting back to what the recipe says."""
        settings = self.search.settings
        if message.path in settings:
            self.search.settings = {path: value for path, value in settings.items() if path != message.path}
            self._tried()

    def _tried(self) -> None:
        self._fill_settings()
        self._search_again()
        self.read()

    def action_drop(self) -> None:
        """Search as the recipe says."""
        self.search.settings = {}
        self.query_one(TriedSettings).say_wrong("")
        self._tried()

    def action_write(self) -> None:
        """Ask whether what is tried shall be written into the recipe."""
        if not self.search.settings:
            self.say("Nothing is tried: press t, and change a setting.")
            return
        tried = "\n".join(f"{key_path(path)}: {value}" for path, value in self.search.settings.items())
        question = f"Write this into the recipe? What was trained was trained on other passages.\n{tried}"
        self.app.push_screen(Confirm(question, "Write"), self._write)

    def _write(self, yes: bool | None) -> None:
        if yes:
            self.beside(self.search.write, self._written, group="write")

    def _written(self, _: None) -> None:
        self.say("written into the recipe")
        self._tried()
