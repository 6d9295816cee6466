"""An answer as Markdown, its citations in colour: a click on one leads to its document."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.reactive import Reactive
from textual.style import Style
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownBlock, MarkdownParagraph  # its base class is exported, it is not

from loresmith_tui.marking import marks_in


class Cite(Message):
    """A citation was clicked."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n


class CitingParagraph(MarkdownParagraph):
    """A paragraph whose citations are coloured by what their check found."""

    auto_links = Reactive(False)  # what marks a link by itself would take the colours away

    def set_content(self, content: Content) -> None:
        """Show a text."""
        super().set_content(painted(content))

    def action_cite(self, n: int) -> None:
        """Say which citation was clicked."""
        self.post_message(Cite(n))


class AnswerText(Markdown):
    """The text of an answer."""

    def get_block_class(self, block_name: str) -> type[MarkdownBlock]:
        """Return what shows a block of Markdown."""
        return CitingParagraph if block_name == "paragraph_open" else super().get_block_class(block_name)


def painted(content: Content) -> Content:
    """Return a text with the marks in it coloured, those of citations to be clicked."""
    for start, end, number, supported in marks_in(content.plain):
        content = content.stylize("$success" if supported else "bold $error", start, end)
        if number:
            content = content.stylize(
                Style(underline=True) + Style.from_meta({"@click": f"cite({number})"}), start, end
            )
    return content
