"""The assistant: retrieves, puts the prompt together, has the engine reply, resolves citations, keeps the trace."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from loresmith.assistant.citations import attributed, cite, marks
from loresmith.assistant.declines import Declines
from loresmith.assistant.history import recent, retrieval_query
from loresmith.assistant.prompt import assemble
from loresmith.errors import PluginFailed, UsageError
from loresmith.host import PluginHost
from loresmith.rungs import PARTS
from loresmith.specs import Engine, Progress, Retriever
from loresmith.values import Answer, Completion, Example, Hit, Message, Trace, Weights


class Assistant:
    """Answers conversations the way of one rung.

    What the rung has no use for is left alone, so that the rungs of a ladder are made from the same parts.

    Args:
        engine: Generates the replies; it may be shared, its weights are set before each use.
        retriever: Finds the passages; needed by `rag` and `hybrid`.
        rung: Rung of the ladder.
        instructions: System prompt.
        demonstrations: Examples shown in the few-shot rung.
        weights: What was trained; needed by `tuned` and `hybrid`.
        declines: Tells refusals.
        host: Plugins that look at hits and answers.
        notes: What the user should know about this assistant; goes into every trace.

    Raises:
        UsageError: If the rung needs a part that is not there.
    """

    def __init__(
        self,
        engine: Engine,
        retriever: Retriever | None,
        rung: str,
        instructions: str,
        demonstrations: Sequence[Example],
        weights: Weights | None,
        declines: Declines,
        host: PluginHost,
        notes: Sequence[str] = (),
    ) -> None:
        parts = PARTS[rung]
        if parts.passages and retriever is None:
            raise UsageError(
                f'rung "{rung}" looks things up, and there is no index', "Build one with `loresmith index`."
            )
        if parts.trained and weights is None:
            raise UsageError(f'rung "{rung}" needs training, and nothing is trained', "Train it: `loresmith build`.")
        self.engine, self.rung, self.instructions, self.declines, self.host = engine, rung, instructions, declines, host
        self.retriever = retriever if parts.passages else None
        self.demonstrations = tuple(demonstrations) if parts.demonstrations else ()
        self.weights = weights if weights and parts.trained else Weights()
        self.notes = tuple(notes)

    def answer(self, conversations: Sequence[Sequence[Message]], progress: Progress | None = None) -> list[Answer]:
        """Answer many conversations in one batch, each ending with a turn of the user.

        The seconds of an answer are its shares of the batch, for looking up and for generating.
        """
        if not conversations:
            return []
        started = time.perf_counter()
        prepared = self._prepare(conversations)
        looking_up = (time.perf_counter() - started) / len(prepared)
        self.engine.use(self.weights)
        completions = self.engine.complete([trace.prompt for trace, _ in prepared], progress)
        return [
            self._finish(trace, hits, replace(completion, seconds=completion.seconds + looking_up))
            for (trace, hits), completion in zip(prepared, completions, strict=True)
        ]

    def stream(self, conversation: Sequence[Message]) -> Reply:
        """Look up what a conversation needs and return its reply, which is generated as it is iterated."""
        return Reply(self, *self._prepare([conversation])[0])

    def _prepare(self, conversations: Sequence[Sequence[Message]]) -> list[tuple[Trace, list[Hit]]]:
        traces = [self._trace(conversation) for conversation in conversations]
        found: list[list[Hit]] = [[] for _ in traces]
        if self.retriever is not None:
            found = [list(hits) for hits in self.retriever.search([trace.query for trace in traces])]
        for trace, hits, conversation in zip(traces, found, conversations, strict=True):
            self._filter(trace, hits)
            trace.prompt = assemble(self.instructions, recent(conversation), hits, self.demonstrations)
        return list(zip(traces, found, strict=True))

    def _trace(self, conversation: Sequence[Message]) -> Trace:
        trace = Trace(question=conversation[-1]["content"], notes=list(self.notes))
        left_out = len(conversation) - len(recent(conversation))
        if left_out:
            trace.notes.append(f"the {left_out} oldest turns were left out of the prompt")
        if self.retriever is not None:
            trace.query = retrieval_query(conversation)
            if trace.query != trace.question.strip():
                trace.notes.append("searched for the last two questions together, the last one being short")
        return trace

    def _filter(self, trace: Trace, hits: list[Hit]) -> None:
        before = list(hits)
        if before:
            try:
                self.host.hook.filter_hits(query=trace.query, hits=hits, trace=trace)
            # A filter may keep back what must not be shown: if it fails, nothing is shown.
            except Exception as error:
                raise PluginFailed(f"a plugin's filter_hits failed: {type(error).__name__}: {error}") from error
        kept = {hit.chunk.id for hit in hits}
        trace.retrieved = [{"n": n, **shown(hit)} for n, hit in enumerate(hits, 1)]
        trace.dropped = [shown(hit) for hit in before if hit.chunk.id not in kept]

    def _finish(self, trace: Trace, hits: Sequence[Hit], completion: Completion) -> Answer:
        said = completion.text.strip()
        refused = self.declines.matches(said)
        text = said if refused else attributed(said, hits)
        if text != said:
            trace.notes.append("the reply cited nothing; sentences that a passage supports got their marks")
        answer = Answer(
            answer=text,
            citations=cite(text, hits),
            refused=refused,
            rung=self.rung,
            trace=trace,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=completion.seconds,
        )
        self._note(trace, marks(text), len(hits), finished=completion.finished)
        self.host.observe("check_answer", answer=answer, trace=trace)
        return answer

    @staticmethod
    def _note(trace: Trace, numbers: Sequence[int], passages: int, *, finished: bool) -> None:
        trace.cited = sorted({n for n in numbers if 1 <= n <= passages})
        nowhere = sorted({n for n in numbers if not 1 <= n <= passages})
        if nowhere:
            listed = ", ".join(f"[{n}]" for n in nowhere)
            trace.notes.append(f"the reply cites {listed}, and there were {passages or 'no'} passages")
        if not finished:
            trace.notes.append("the reply was cut off before its end")


class Reply:
    """A reply on its way: iterate over its pieces, then take the `answer`."""

    def __init__(self, assistant: Assistant, trace: Trace, hits: Sequence[Hit]) -> None:
        self._assistant, self._trace, self._hits = assistant, trace, hits
        self._text = ""
        self._finished = False
        self._started = time.perf_counter()

    def __iter__(self) -> Iterator[str]:
        self._assistant.engine.use(self._assistant.weights)
        for piece in self._assistant.engine.stream_text(self._trace.prompt):
            self._text += piece
            yield piece
        self._finished = True

    def answer(self) -> Answer:
        """Return the answer; of a reply that was stopped, as far as it came. Tokens are not counted."""
        seconds = time.perf_counter() - self._started
        completion = Completion(self._text, 0, 0, seconds, self._finished)
        return self._assistant._finish(self._trace, self._hits, completion)


def shown(hit: Hit) -> dict[str, Any]:
    """Return a hit as the trace and `search --json` show it."""
    chunk = hit.chunk
    return {
        "document": chunk.document,
        "chunk": chunk.id,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "score": float(hit.score),
        "scores": {name: float(score) for name, score in hit.scores.items()},
    }
