"""How an answer is shown in a terminal: its text, its citations, and its trace. Everything passes through `plain`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from loresmith.assistant.citations import UNCHECKED
from loresmith.cli.errors import plain
from loresmith.values import Answer, Citation, Trace


def print_pieces(pieces: Iterable[str]) -> None:
    """Print a reply as it comes, and end the line."""
    for piece in pieces:
        sys.stdout.write(plain(piece))
        sys.stdout.flush()
    print(flush=True)


def answer_text(answer: Answer) -> str:
    """Return the reply and what it cites."""
    return "\n".join([plain(answer.answer), *_below(citations_text(answer))])


def citations_text(answer: Answer) -> str:
    """Return one line a citation: number, document, span, quote; then what the answer claims and no passage says."""
    unsaid = [check for check in answer.trace.checks if not check["marks"] and not check["supported"] and check["told"]]
    return "\n".join([
        *map(_citation, answer.citations),
        *(plain(f'[-] no passage says: "{check["sentence"]}"') for check in unsaid),
    ])  # fmt: skip


def trace_text(trace: Trace, width: int = 0) -> str:
    """Return why an answer is what it is, step by step; last the exact prompt.

    Args:
        trace: The trace.
        width: Columns there are; those of the terminal if not given.
    """
    width = max(40, width or shutil.get_terminal_size((100, 24)).columns)
    return "\n".join(map(plain, _trace_lines(trace, width)))


def _below(text: str) -> list[str]:
    return ["", text] if text else []


def _citation(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    place = f"{citation.document} (characters {citation.start}-{citation.end})"
    failed = "" if citation.supported else f" ({_unsupported(citation.why)})"
    return plain(f'[{citation.n}] {place}: "{quote}"{failed}')


def _unsupported(why: str) -> str:
    if why == UNCHECKED:
        return why
    return f"not supported: {why}" if why else "not supported by this passage"


def _trace_lines(trace: Trace, width: int) -> Iterator[str]:
    """Yield the steps in their order; of long texts a line each, but for the prompt, which is shown exactly."""
    fill = partial(_filled, width=width)
    if trace.query:
        yield from fill("searched for: ", trace.query)
    yield from (line for query in trace.queries for line in fill("also searched for: ", query))
    for n, hit in enumerate(trace.retrieved, 1):
        yield from _hit(f"retrieved {n}:", hit, width, text=not trace.passages)
    for name, hits in (("filtered", trace.filtered), ("dropped", trace.dropped), ("cut", trace.cut)):
        for hit in hits:
            yield from _hit(f"{name}:", hit, width)
    for n, again in enumerate(trace.reranked, 1):
        yield f"reranked {n}: {again['chunk']} score {again['score']:.4g}"
    for hit in trace.passages:
        yield from _hit(f"[{hit['n']}]", hit, width)
    for check in trace.checks:
        yield from _check(check, fill)
    if trace.cited:
        yield f"cited: {', '.join(f'[{n}]' for n in trace.cited)}"
    if trace.settings:
        yield from fill("settings: ", ", ".join(f"{name} {value}" for name, value in trace.settings.items()))
    if trace.refused:
        yield from fill("refused: ", trace.refused)
    yield from (line for note in trace.notes for line in fill("note: ", note))
    for message in trace.prompt:
        yield f"--- {message['role']} ---"
        yield message["content"]


def _check(check: Mapping[str, Any], fill: Callable[[str, str], Iterator[str]]) -> Iterator[str]:
    marks = "".join(f"[{n}]" for n in check["marks"])
    found = "supported" if check["supported"] else f"not supported: {check['why']}"
    yield from fill(
        "check: ", f'"{check["sentence"]}" {marks} {found}{", " if check["repair"] else ""}{check["repair"]}'
    )


def _hit(label: str, hit: Mapping[str, Any], width: int, *, text: bool = True) -> Iterator[str]:
    listed = ", ".join(f"{name} {score:.4g}" for name, score in hit["scores"].items())
    place = f"{hit['document']} (characters {hit['start']}-{hit['end']})"
    yield f"{label} {place} score {hit['score']:.4g}  {listed}".rstrip()
    if hit.get("why"):
        yield from _filled("    why: ", hit["why"], width)
    if text:
        lines = (line for line in str(hit["text"]).splitlines() if line.strip())
        yield from (shown for line in lines for shown in _filled("    ", line, width))


def _filled(label: str, text: str, width: int) -> Iterator[str]:
    """Yield a text in lines of so many columns, under its label."""
    indent = " " * (len(label) - len(label.lstrip()) + 4)
    yield from textwrap.wrap(label + text, width, subsequent_indent=indent, break_on_hyphens=False) or [label]
