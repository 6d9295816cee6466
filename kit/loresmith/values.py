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
    """A text with its origin. `id` is its path under the source's root, with forward slashes."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Hash of what is indexed: title and text."""
        return content_hash(self.title, self.text)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `document.text[start:end] == text`, in characters."""

    id: str
    document: str
    start: int
    end: int
    text: str
    title: str = ""

    @property
    def searchable(self) -> str:
        """What is embedded and matched: the text, under the document's title, which most of its pieces do not say."""
        says_it = not self.title or self.text.lstrip("# ").startswith(self.title)
        return self.text if says_it else f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with its final score and the scores that led to it, by name."""

    chunk: Chunk
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)


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
    """A reference `[n]` in an answer, resolved to a span of a document (in characters)."""

    n: int
    document: str
    start: int
    end: int
    quote: str
    supported: bool


@dataclass(slots=True)
class Trace:
    """Why an answer is what it is. Filled as the question goes through the assistant; JSON-able."""

    question: str = ""
    query: str = ""
    retrieved: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    prompt: list[Message] = field(default_factory=list)
    cited: list[int] = field(default_factory=list)
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
