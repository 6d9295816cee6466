"""The values that flow from room to room: documents, chunks, hits, examples, answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

Role = Literal["system", "user", "assistant"]


class Message(TypedDict):
    """One turn of a conversation. `trained` marks assistant turns a method learns; absent means yes."""

    role: Role
    content: str
    trained: NotRequired[bool]


def content_hash(*parts: str) -> str:
    """Return the hex SHA-256 over `parts`, each preceded by its length so that parts cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(str(len(raw)).encode() + b":" + raw)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its origin.

    Args:
        id: Its path under the source's root, with forward slashes.
        headings: Where the markup says that a heading begins, and its level from 1; empty where only the text does.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    headings: tuple[tuple[int, int], ...] = ()

    @property
    def hash(self) -> str:
        """Hash of what is indexed: title and text."""
        return content_hash(self.title, self.text)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `document.text[start:end] == text`, in characters.

    Args:
        headings: The headings it stands under, outermost first, where the chunker knows them.
        within: The section that is handed over in its place, where small pieces are searched.
    """

    id: str
    document: str
    start: int
    end: int
    text: str
    title: str = ""
    headings: tuple[str, ...] = ()
    within: Chunk | None = None

    @property
    def names(self) -> list[str]:
        """Title and headings, outermost first, each once."""
        return _once(self.title, *self.headings)

    @property
    def place(self) -> str:
        """Title and headings in a line, as a reader is told where the text stands."""
        return " > ".join(self.names)

    @property
    def searchable(self) -> str:
        """What is matched: the text, under the title and headings that most pieces of a document do not say."""
        return self._under(self.title)

    @property
    def embedded(self) -> str:
        """What is embedded: as `searchable`, but a document's name is no title, so that renaming it costs nothing."""
        is_name = self.title in (self.document, self.document.rsplit("/", 1)[-1])
        return self._under("" if is_name else self.title)

    def _under(self, title: str) -> str:
        begin = self.text.lstrip("# ")
        above = [name for name in _once(title, *self.headings) if not begin.startswith(name)]
        return f"{' > '.join(above)}\n{self.text}" if above else self.text


def _once(*names: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with its final score and the scores that led to it, by name.

    Args:
        withheld: Spans of the chunk's text that the model must not read, since they tell it what to do.
    """

    chunk: Chunk
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    withheld: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object by which traces and `search --json` show it."""
        chunk = self.chunk
        return {
            "document": chunk.document,
            "chunk": chunk.id,
            "start": chunk.start,
            "end": chunk.end,
            "text": chunk.text,
            "score": float(self.score),
            "scores": {name: float(score) for name, score in self.scores.items()},
            **({"withheld": [list(span) for span in self.withheld]} if self.withheld else {}),
        }


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation whose last message is the target reply.

    Args:
        id: Stable hash of the conversation.
        messages: User and assistant turns, the last one being the target reply.
        grounding: Ids of the documents the reply rests on; empty where unknown.
        answerable: False where the documents do not answer; the reply is then the wanted way to decline.
        place: File and line it was read from, for messages.
    """

    id: str
    messages: tuple[Message, ...]
    grounding: tuple[str, ...] = ()
    answerable: bool = True
    place: str = ""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The conversation without its target reply."""
        return self.messages[:-1]

    @property
    def question(self) -> str:
        """The last thing the user said."""
        return next((m["content"] for m in reversed(self.prompt) if m["role"] == "user"), "")

    @property
    def reply(self) -> str:
        """The target reply."""
        return self.messages[-1]["content"]

    @classmethod
    def of(
        cls,
        messages: Sequence[Message],
        *,
        grounding: Sequence[str] = (),
        answerable: bool = True,
        place: str = "",
    ) -> Example:
        """Make an example whose id is the hash of its messages."""
        parts = [part for m in messages for part in (m["role"], m["content"])]
        return cls(content_hash(*parts)[:16], tuple(messages), tuple(grounding), answerable, place)


@dataclass(frozen=True, slots=True)
class Preference:
    """A prompt with a chosen and a rejected reply, or with one reply that was liked or not."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str = ""
    rejected: str = ""
    reply: str = ""
    liked: bool | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """What an engine generates with; `Weights()` is its base alone.

    Args:
        model: Folder of whole weights in the place of the base, or None for the base.
        adapter: Adapter folder (PEFT) on top of either, or None.
    """

    model: Path | None = None
    adapter: Path | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How replies are drawn where they are not to be the likeliest ones.

    Args:
        temperature: Logits are divided by it; above 0.
        top_p: Only the likeliest tokens that together have this probability are drawn from.
        seed: The same seed draws the same reply to the same conversation at the same position.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine generated for one conversation. `seconds` is this reply's share of its batch."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Citation:
    """A reference `[n]` in an answer, resolved to a span of a document (in characters). `why` it is unsupported."""

    n: int
    document: str
    start: int
    end: int
    quote: str
    supported: bool
    why: str = ""


@dataclass(slots=True)
class Trace:
    """Why an answer is what it is. Filled as the question goes through the assistant; JSON-able.

    Args:
        question: What was asked.
        query: What was searched for, after a follow-up question was condensed.
        queries: All that was searched for, where it was more than the query.
        retrieved: Every candidate with all its scores, best first.
        filtered: What plugins dropped, each with its `why` where they tell.
        reranked: Ids of the chunks in their order after the reranker, each with its `score`.
        dropped: What was dropped as too like another hit, or as below the floor, each with its `why`.
        cut: What did not fit the window, each with its `why`.
        passages: What is in the prompt, in its order, each with its number `n`.
        prompt: The messages the engine replied to.
        cited: Numbers of the passages that the answer as shown cites.
        checks: What the check found of each sentence that cites.
        refused: Why the assistant declined, or empty.
        settings: What the recipe says of checks, `citations` and `injection`; plugins go by it.
        notes: What else the reader should know.
    """

    question: str = ""
    query: str = ""
    queries: list[str] = field(default_factory=list)
    retrieved: list[dict[str, Any]] = field(default_factory=list)
    filtered: list[dict[str, Any]] = field(default_factory=list)
    reranked: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    cut: list[dict[str, Any]] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)
    prompt: list[Message] = field(default_factory=list)
    cited: list[int] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """An answer as it is shown."""

    answer: str
    citations: list[Citation]
    refused: bool
    rung: str
    trace: Trace
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the object that `ask --json` prints; what the answer cost is not part of it."""
        whole = asdict(self)
        return {key: whole[key] for key in ("answer", "citations", "refused", "rung", "trace")}
