"""An engine and a retriever that fulfil the protocols without any model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.declines import Declines
from loresmith.host import PluginHost
from loresmith.knowledge.lookup import Lookup
from loresmith.knowledge.queries import QueryMaker
from loresmith.recipe.models import Queries
from loresmith.specs import Progress
from loresmith.values import Chunk, Completion, Hit, Message, Sampling, Weights
from loresmith_plugins.guards import citations, injection

FARES = "The single fare is 9.40 marks. Children pay 4.70 marks."
DOGS = "Dogs travel free on the open deck. A dog in a cabin pays 6.00 marks."


def chunk(text: str, document: str = "fares.md", start: int = 0, title: str = "Fares") -> Chunk:
    return Chunk(f"{document}#{start}", document, start, start + len(text), text, title)


class FakeEngine:
    """Replies what `reply` makes of the prompt's last turn; notes what it was asked."""

    identity = "fake"

    def __init__(self, reply: Callable[[str], str] | str = "The single fare is 9.40 marks [1].") -> None:
        self.reply = reply if callable(reply) else lambda _prompt: reply
        self.weights = Weights()
        self.calls: list[tuple[Weights, list[list[Message]]]] = []
        self.stop_after: int | None = None

    def use(self, weights: Weights) -> None:
        self.weights = weights

    def render(self, messages: Sequence[Message]) -> str:
        return "\n".join(message["content"] for message in messages)

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        self.calls.append((self.weights, [list(conversation) for conversation in conversations]))
        if progress:
            progress(len(conversations), len(conversations))
        return [Completion(self.reply(conversation[-1]["content"]), 10, 5, 0.5) for conversation in conversations]

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        self.calls.append((self.weights, [list(messages)]))
        for count, character in enumerate(self.reply(messages[-1]["content"])):
            if count == self.stop_after:
                raise KeyboardInterrupt
            yield character


class FakeRetriever:
    """Finds the same chunks for every query, or those given for it; notes the queries."""

    def __init__(self, *chunks: Chunk, by_query: Mapping[str, Sequence[Chunk]] | None = None) -> None:
        self.chunks, self.by_query = chunks, by_query or {}
        self.batches: list[list[str]] = []

    def prepare(self) -> None:
        pass

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        self.batches.append(list(queries))
        found = [self.by_query.get(query, self.chunks) for query in queries]
        return [[Hit(c, 1 / n, {"dense": 0.5}) for n, c in enumerate(chunks[:k], 1)] for chunks in found]


def fake_lookup(retriever: FakeRetriever, host: PluginHost, floor: float | None = None) -> Lookup:
    return Lookup(retriever, host, floor=floor, queries=QueryMaker(Queries(), FakeEngine))


def guarded_host() -> PluginHost:
    """A host with the built-in guards, and nothing else."""
    host = PluginHost(points=[])
    for name, plugin in (("injection", injection), ("citations", citations)):
        assert host.add(plugin, name).state == "loaded"
    return host


def fake_assistant(
    rung: str = "rag",
    engine: FakeEngine | None = None,
    retriever: FakeRetriever | None = None,
    host: PluginHost | None = None,
    notes: Sequence[str] = (),
    floor: float | None = None,
    **more: str,
) -> Assistant:
    host = host or guarded_host()
    return Assistant(
        engine=engine or FakeEngine(),
        lookup=fake_lookup(retriever or FakeRetriever(chunk(FARES), chunk(DOGS, "dogs.md", title="Dogs")), host, floor),
        rung=rung,
        instructions="You answer for the ferry.\n",
        demonstrations=(),
        weights=Weights(adapter=Path("adapter")),
        declines=Declines(["The papers do not say. Next: ring the desk."]),
        host=host,
        notes=notes,
        **more,
    )
