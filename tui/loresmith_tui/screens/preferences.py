"""The room of preferences: replies to one question, unnamed and shuffled, ranked with single keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from loresmith.labelling.drawing import REPLIES
from loresmith.labelling.export import Exported, Written
from loresmith.labelling.ranking import Ranking, asked_text
from loresmith.labelling.rows import Thumb
from loresmith_tui.labelling import Standing
from loresmith_tui.rooms import ROOMS
from loresmith_tui.screens.dialogs import Confirm
from loresmith_tui.screens.drawing import DrawingRoom
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import error_text
from loresmith_tui.screens.thumbs import ThumbsScreen
from loresmith_tui.shown import one_line, plain
from loresmith_tui.widgets.replies import Replies, ReplyBox

NOTHING = """Nothing waits to be ranked.

d   draws {replies} replies each to {questions} questions, by the rung {rung}
o   changes that
l   lists the thumbs and corrections that you gave in chat
e   writes all that was judged into files that dpo, kto and reward learn from

Questions are those of the training side, never those that measure."""


class PreferencesScreen(DrawingRoom):
    """Ranks."""

    ROOM = "preferences"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n), f"pick({n})", f"Pick {n}", show=False, tooltip=f"Reply {n} is the best of those left")
            for n in range(1, REPLIES.stop)
        ),
        Binding(
            "equals_sign,t", "tie", "Tie", key_display="=", tooltip="The next is as good as the last; at first, all are"
        ),
        Binding("enter", "rest", "Rest alike", show=False, tooltip="Those that are left are alike, and the worst"),
        Binding("s", "skip", "Skip", tooltip="Leave this question out"),
        Binding("u", "undo", "Undo", tooltip="Take the last key back, or the last judgement"),
        Binding("e", "export", "Export", tooltip="Write what was judged, here and in chat, into files of the project"),
        Binding("l", "thumbs", "Thumbs", show=False, tooltip="List the thumbs and corrections of chat"),
        Binding("v", "prompt", "Prompt", show=False, tooltip="Show what the model read, with the passages if any"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ranking: Ranking | None = None
        self._standing: Standing | None = None
        self._judging = False
        self._asked = 0

    def furnish(self) -> ComposeResult:
        """Yield state, question and replies."""
        yield Static("", id="status", classes="status", markup=False)
        yield Static("", id="question", classes="text", markup=False)
        yield Replies("replies")
        yield Static("", id="ranks", classes="status", markup=False)
        yield Static("", id="empty", classes="empty", markup=False)

    def read(self) -> None:
        """Show how it stands."""
        if self.session.project is None:
            self._show_empty("No project here. Press F1 for the keys, Escape for Home: n starts one from a recipe.")
            return
        self.drawing = self.labelling.at_work
        self._ask_standing(self.labelling.standing, self._show)

    def _failed(self, error: Exception) -> None:
        self._judging, self._ranking = False, None
        self._show_empty(error_text(error))

    # ------------------------------------------------------------------------------------------------ what is shown

    def _ask_standing(self, work: Callable[[], Standing | None], then: Callable[[Any], object]) -> None:
        """Ask the core, and let only the latest answer count: an older one may show what is judged already."""
        self._asked += 1
        this = self._asked
        self.beside(work, lambda found: then(found) if this == self._asked else None, self._failed, group="standing")

    def _show(self, standing: Standing) -> None:
        self._standing, self._judging = standing, False
        task = standing.task
        if task is None:
            self._ranking = None
            how = self.labelling
            text = NOTHING.format(questions=how.questions, replies=how.drawing.replies, rung=how.rung)
            self._show_empty("Replies are being drawn: the first come in a moment." if self.drawing else text)
        elif self._ranking is None or self._ranking.task.id != task.id:
            self._ranking = Ranking(task)
            self._hide_empty(asked_text(task))
            self.query_one(Replies).show(self._ranking)
            self.query_one(Replies).focus()
        self._say()

    def _show_empty(self, text: str) -> None:
        self.query_one("#empty", Static).update(plain(text))
        for widget in self.query("#question, #replies, #ranks"):
            widget.display = False
        self.query_one("#empty").display = True

    def _hide_empty(self, question: str) -> None:
        self.query_one("#question", Static).update(plain(question))
        for widget in self.query("#question, #replies, #ranks"):
            widget.display = True
        self.query_one("#empty").display = False

    def _say(self) -> None:
        standing = self._standing
        if standing is None:
            return
        counts = standing.counts
        said = f"{counts.waiting} wait, {counts.ranked} ranked, {counts.skipped} skipped: {standing.pairs} pairs"
        thumbs = f", {standing.thumbs} judged in chat" if standing.thumbs else ""
        self.query_one("#status", Static).update(one_line(f"{self.progress}{said}{thumbs}"))
        if self._ranking:
            last = len(self._ranking.shown)
            keys = f"1-{last} the best first, = a tie, Enter the rest are alike, s skip, u undo"
            self.query_one("#ranks", Static).update(f"{self._ranking}   {keys}".strip())

    def drawn(self) -> None:
        """Show replies that are new, unless somebody is at ranking others."""
        if not self._judging and (self._ranking is None or not self._ranking.groups):
            self._ask_standing(self.labelling.standing, self._show)
        else:
            self._say()

    # ---------------------------------------------------------------------------------------------------- ranking

    def action_pick(self, number: int) -> None:
        """Take a reply for the next best; where nothing is to be ranked, the key leads to its room."""
        if self._ranking is None:
            self.app.action_go(next(name for name, place in ROOMS.items() if place.key == str(number)))  # type: ignore[attr-defined]
            return
        self._ranking.pick(number - 1)
        self._ranked()

    def on_reply_box_picked(self, message: ReplyBox.Picked) -> None:
        """Take a click for the key."""
        self.action_pick(message.place + 1)

    def action_tie(self) -> None:
        """Let the next be as good as the last, or all alike."""
        if self._ranking:
            self._ranking.tie()
            self._ranked()

    def action_rest(self) -> None:
        """Let those that are left be alike."""
        if self._ranking:
            self._ranking.rest()
            self._ranked()

    def _ranked(self) -> None:
        ranking = self._ranking
        if ranking is None:
            return
        self.query_one(Replies).mark(ranking)
        self._say()
        if ranking.done:
            self._judge(ranking.ranks)

    def action_skip(self) -> None:
        """Leave the question out."""
        self._judge(None)

    def _judge(self, ranks: tuple[int, ...] | None) -> None:
        ranking = self._ranking
        if ranking and not self._judging:
            self._judging = True
            self._ask_standing(lambda: self.labelling.judge(ranking.task, ranks), self._show)

    def action_undo(self) -> None:
        """Take the last key back, or the last judgement."""
        if self._ranking and not self._ranking.done and self._ranking.undo():
            self._ranked()
        elif self.session.project and not self._judging:
            self._ask_standing(self.labelling.undo, self._undone)

    def _undone(self, standing: Standing | None) -> None:
        if standing is None:
            self.say("There is nothing to undo.")
        else:
            self._ranking = None
            self._show(standing)

    def action_prompt(self) -> None:
        """Show what the model read."""
        if self._ranking:
            turns = [f"--- {turn['role']} ---\n{turn['content']}" for turn in self._ranking.task.prompt]
            self.app.push_screen(Reading("What the model read, below its instructions", "\n".join(turns)))

    # ------------------------------------------------------------------------------------------------- what comes out

    def action_thumbs(self) -> None:
        """List what was judged in chat."""
        if self.session.project:
            self.beside(self.labelling.thumbs, self._show_thumbs, group="thumbs")

    def _show_thumbs(self, found: list[Thumb]) -> None:
        if found:
            self.app.push_screen(ThumbsScreen(found))
        else:
            self.say("Nothing is judged in chat yet: there a thumb, or a correction, is one key.")

    def action_export(self) -> None:
        """Write the rows, and offer to take them into the recipe."""
        if self.session.project:
            self.beside(self.labelling.export, self._exported, group="export")

    def _exported(self, found: tuple[Exported, list[Written]]) -> None:
        written, lacking = found
        said = ", ".join(f"{each.path}: {each.rows} rows" for each in written.files)
        if not lacking:
            self.say(f"{said}. The recipe takes them in already.")
            return
        lines = "\n".join(each.line for each in lacking)
        question = f"{said}.\nThe recipe does not take this in yet. Add to its data.preferences:\n{lines}"
        self.app.push_screen(Confirm(question, "Add"), lambda yes: self._take_in(lacking) if yes else None)

    def _take_in(self, files: list[Written]) -> None:
        def done(_: None) -> None:
            self.say("The recipe takes it in. A stage of dpo, kto or reward learns from it: 2 adds one, 5 builds.")

        self.beside(lambda: self.labelling.take_in(files), done, group="export")
