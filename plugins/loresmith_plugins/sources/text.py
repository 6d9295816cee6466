"""What all sources do to a text: decode it strictly, unify its line ends, find its heading."""

from __future__ import annotations

import re

_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$")


class NotText(ValueError):
    """The bytes are no text; the message says why, in a form that follows "it"."""


def decode(raw: bytes) -> str:
    """Return the text of UTF-8 bytes, a leading byte order mark taken off.

    Raises:
        NotText: If the bytes are not UTF-8, or hold a NUL character.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind the byte order mark it took off.
        offset = error.start + len(raw) - len(error.object)
        raise NotText(f"is not UTF-8: byte 0x{raw[offset]:02x} at offset {offset}") from error
    if "\0" in text:
        raise NotText(f"holds a NUL character at offset {raw.index(0)}, so it is hardly text")
    return text


def unified(text: str) -> str:
    r"""Return the text with every line end as `\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_heading(text: str) -> str:
    """Return the first Markdown heading outside code fences, or an empty string."""
    fenced = False
    before = ""
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            if found := _HEADING.match(line):
                return found[1].strip()
            if re.fullmatch(r"={3,}[ \t]*", line) and before:
                return before
        before = line.strip()
    return ""
