"""Finds the stretches of a text that speak to an assistant rather than to a reader."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from loresmith.evidence.sentences import sentences
from loresmith_plugins.guards.rules import RULES, Rule

KEPT = 4096
"""Texts whose result is remembered: many questions find the same chunks."""

_SHELL = re.compile(r"\s*(?:>>>|\$ |% |//)")
_GAP = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Instruction:
    """A stretch of a text that gives orders to the assistant, and how that is told."""

    start: int
    end: int
    why: str


@lru_cache(KEPT)
def instructions(text: str) -> tuple[Instruction, ...]:
    """Return the stretches of a text that give orders to the assistant, in order and apart.

    An order that prepares others, such as setting earlier instructions aside, takes the rest of its paragraph along.
    """
    found: list[Instruction] = []
    for start, end in sentences(text):
        if found and start < found[-1].end:
            continue
        rule = _broken(text[start:end]) or _broken(text[_line_start(text, start) : end])
        if rule:
            found.append(Instruction(start, _paragraph_end(text, end) if rule.spreads else end, rule.why))
    return tuple(found)


def _broken(sentence: str) -> Rule | None:
    plain = _folded(sentence)
    return None if _SHELL.match(plain) else next((rule for rule in RULES if rule.sign.search(plain)), None)


def _folded(text: str) -> str:
    """Return a text as it reads: compatibility forms unified, invisible characters gone, quotes and spaces plain."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join(shown.replace("’", "'").split())


def _line_start(text: str, start: int) -> int:
    """Return where the line of a heading begins, whose signs are outside its sentence; `start` for any other."""
    line = text.rfind("\n", 0, start) + 1
    return line if not text[line:start].strip(" \t#") else start


def _paragraph_end(text: str, end: int) -> int:
    gap = _GAP.search(text, end)
    return gap.start() if gap else max(end, len(text.rstrip()))
