"""What the checks try things on: small, but with the oddities that real documents have."""

from __future__ import annotations

from loresmith.specs import ScoredAnswer
from loresmith.values import Document, Example

SAMPLE_DOCUMENTS = (
    Document("empty.md", ""),
    Document("short.md", "The kiosk opens at nine."),
    Document("blank.md", " \n\n \n"),
    Document(
        "accents.md", "# Café\n\nNaïve façades — “quoted” — cost 12 € each. 🚢 is one character. 中文没有空格。\n"
    ),
    Document("lines.txt", "First line.\r\n\r\nSecond paragraph,\r\nwith a break.\r\n"),
    Document("long.md", "# Rules\n\n" + "\n\n".join(f"Rule {n}. " + "Keep to the left. " * 12 for n in range(40))),
    Document("unbroken.txt", "x" * 5000),
)
"""Documents of every awkward kind: empty, blank, accents, CRLF, long, without a single space."""

SAMPLE_EXAMPLES = (
    Example.of(
        [{"role": "user", "content": "When does the kiosk open?"}, {"role": "assistant", "content": "At nine."}],
        grounding=["short.md"],
    ),
    Example.of(
        [{"role": "user", "content": "Who owns the moon?"}, {"role": "assistant", "content": "That is not in here."}],
        answerable=False,
    ),
)
"""One example that the documents answer and one that they do not."""


def scored_answer(
    text: str = "At nine.",
    example: Example = SAMPLE_EXAMPLES[0],
    cited: tuple[str, ...] = ("short.md",),
    *,
    refused: bool = False,
) -> ScoredAnswer:
    """Return an answer as a metric sees it; the defaults make a perfect one."""
    return ScoredAnswer(example=example, text=text, cited=cited, refused=refused)
