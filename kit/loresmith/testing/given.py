"""What the checks try things on: small, but with the oddities that real documents have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from loresmith.specs import ScoredAnswer, StageContext
from loresmith.values import Document, Example, Message, Preference

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


_ASKED: tuple[Message, ...] = ({"role": "user", "content": "When does the kiosk open?"},)

SAMPLE_PREFERENCES = (
    Preference("pair", _ASKED, chosen="At nine.", rejected="Hello, and thank you for asking about the kiosk!"),
    Preference("pair-2", _ASKED, chosen="It opens at nine.", rejected="Whenever."),
    Preference("liked", _ASKED, reply="At nine.", liked=True),
    Preference("not-liked", _ASKED, reply="Whenever.", liked=False),
)
"""Two pairs, a reply that was liked and one that was not."""


def stage_context(base: Path, folder: Path, **changes: Any) -> StageContext:
    """Return what a training stage is built from, with the sample data.

    Args:
        base: Folder of a model.
        folder: The stage's own folder.
        changes: Fields to give otherwise; doors to other rooms (`engine`, `metric`, ...) are shut unless given.
    """
    given: dict[str, Any] = {
        "base": base,
        "adapter": None,
        "instructions": "You answer.",
        "train": SAMPLE_EXAMPLES,
        "dev": SAMPLE_EXAMPLES[:1],
        "documents": SAMPLE_DOCUMENTS,
        "preferences": SAMPLE_PREFERENCES,
        "held_out": SAMPLE_PREFERENCES[:2],
        "also_asked": lambda prompts: [False for _ in prompts],
        "folder": folder,
        "root": folder.parent,
        "seed": 1,
        "resume": False,
        "make": lambda _name, _options: None,
        "engine": _shut,
        "metric": _shut,
        "model": _shut,
        "trained": _shut,
        "event": lambda _event: None,
        "progress": lambda _activity, _done, _total: None,
        "stopping": lambda: False,
    }
    return StageContext(**given | changes)


def _shut(*_: Any) -> NoReturn:
    raise AssertionError("the check gave this stage no such door: pass one to `stage_context`")


def scored_answer(
    text: str = "At nine.",
    example: Example = SAMPLE_EXAMPLES[0],
    cited: tuple[str, ...] = ("short.md",),
    *,
    refused: bool = False,
) -> ScoredAnswer:
    """Return an answer as a metric sees it; the defaults make a perfect one."""
    return ScoredAnswer(example=example, text=text, cited=cited, refused=refused)
