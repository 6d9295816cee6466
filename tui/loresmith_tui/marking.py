"""The text of an answer as it is shown: what no passage supports carries a sign."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from loresmith.assistant.citations import without_marks
from loresmith.evidence.sentences import MARK, sentences
from loresmith.values import Answer
from loresmith_tui.shown import signs

_MARKS = re.compile(rf"(?<![\w)\]]){MARK}(?:[ \t]*{MARK})*(?!\()")
_NUMBER = re.compile(r"\d+")


def marked_text(answer: Answer) -> str:
    """Return the text of an answer with a sign in each mark, and behind each claim, that its check did not bear out."""
    text = answer.answer
    for start, end in reversed(sentences(text)):
        text = text[:start] + _marked(text[start:end], answer) + text[end:]
    return text


def marks_in(shown: str) -> Iterator[tuple[int, int, int, bool]]:
    """Yield the marks of a text of `marked_text`: begin, end, number (0 for none), and whether it is supported."""
    bad = re.escape(signs().bad)
    for match in re.finditer(rf"\[(\d+|-)({bad})?\]", shown):
        number = int(match[1]) if match[1] != "-" else 0
        if number or match[2]:
            yield match.start(), match.end(), number, match[2] is None


def _marked(sentence: str, answer: Answer) -> str:
    claim = without_marks(sentence)
    check = next((check for check in answer.trace.checks if check["sentence"] == claim), None)
    if check and not check["supported"] and not check["marks"]:
        return f"{sentence} [-{signs().bad}]" if check["told"] else sentence
    held = (lambda _: bool(check["supported"])) if check else _held_by_number(answer)
    return _MARKS.sub(lambda mark: "".join(_sign(int(n), held) for n in _NUMBER.findall(mark[0])), sentence)


def _held_by_number(answer: Answer) -> Callable[[int], bool]:
    """Return what tells whether a citation holds where no check is known of its sentence."""
    failed = {citation.n for citation in answer.citations if not citation.supported}
    known = {citation.n for citation in answer.citations}
    return lambda n: n in known and n not in failed


def _sign(n: int, held: Callable[[int], bool]) -> str:
    return f"[{n}]" if held(n) else f"[{n}{signs().bad}]"
