"""Text of documents, models and plugins as a screen may show it, and the signs that are drawn."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from loresmith.cli.errors import plain

ASCII_VARIABLE = "LORESMITH_ASCII"
"""Environment variable: `1` draws with ASCII alone, `0` never does; by default the terminal's encoding decides."""

__all__ = ["ASCII_VARIABLE", "Signs", "one_line", "plain", "same_length", "signs"]


def one_line(text: str, width: int = 400) -> str:
    """Return a text on one line, without control codes, cut to a width."""
    whole = " ".join(plain(text[: 2 * width]).split())
    return whole if len(whole) <= width else whole[: width - 1] + signs().more


def same_length(text: str) -> str:
    """Return a text with a sign in place of each control code, so that positions in it stay right."""
    return "".join(
        c if c in "\n\t" or c.isprintable() else " " if c in "\r\x0b\x0c\x85\u2028\u2029" else "?" for c in text
    )


@dataclass(frozen=True, slots=True)
class Signs:
    """What is drawn with."""

    more: str
    good: str
    bad: str
    here: str
    open: str
    low: str
    high: str
    line: str
    mean: str
    full: str
    empty: str
    dot: str
    up: str
    down: str
    braille: bool


FINE = Signs("…", "✓", "✗", "▸", "▾", "├", "┤", "─", "●", "█", "░", "·", "▲", "▼", braille=True)
ASCII = Signs("~", "+", "x", ">", "v", "|", "|", "-", "o", "#", ".", "-", "^", "v", braille=False)


def ascii_only() -> bool:
    """Return whether nothing but ASCII can be drawn."""
    wish = os.environ.get(ASCII_VARIABLE, "")
    if wish:
        return wish != "0"
    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    return "utf" not in encoding.lower() or os.environ.get("TERM") in ("linux", "vt100", "vt220")


def signs() -> Signs:
    """Return the signs that this terminal can draw."""
    return ASCII if ascii_only() else FINE
