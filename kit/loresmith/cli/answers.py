"""How an answer is shown in a terminal: its text, its citations, and its trace. Everything passes through `plain`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

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
    return "\n".join([plain(answer.answer), *_below(citations_text(answer.citations))])


def citations_text(citations: Iterable[Citation]) -> str:
    """Return one line a citation: number, document, span, quote."""
    return "\n".join(_citation(citation) for citation in citations)


def trace_text(trace: Trace) -> str:
    """Return why an answer is what it is: what was searched, found and dropped, the notes, and the exact prompt."""
    return plain("\n".join(_trace_lines(trace)))


def _below(text: str) -> list[str]:
    return ["", text] if text else []


def _citation(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    place = f"{citation.document} (characters {citation.start}-{citation.end})"
    return plain(f'[{citation.n}] {place}: "{quote}"') + (
        "" if citation.supported else " (not supported by this passage)"
    )


def _trace_lines(trace: Trace) -> Iterator[str]:
    if trace.query:
        yield f"searched for: {trace.query}"
    for hit in trace.retrieved:
        yield from _hit(f"[{hit['n']}]", hit)
    for hit in trace.dropped:
        yield from _hit("dropped:", hit)
    yield from (f"note: {note}" for note in trace.notes)
    for message in trace.prompt:
        yield f"--- {message['role']} ---"
        yield message["content"]


def _hit(label: str, hit: dict[str, object]) -> Iterator[str]:
    scores = hit["scores"]
    listed = ", ".join(f"{name} {score:.4g}" for name, score in scores.items()) if isinstance(scores, dict) else ""
    place = f"{hit['document']} (characters {hit['start']}-{hit['end']})"
    yield f"{label} {place} score {hit['score']:.4g}  {listed}".rstrip()
    yield from (f"    {line}" for line in str(hit["text"]).splitlines() if line.strip())
