"""The assistant: looks up, puts the prompt together, has the engine reply, has the reply checked, keeps the trace."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

from loresmith.assistant.citations import cite, marks, without_marks
from loresmith.assistant.declines import Declines
from loresmith.assistant.fitting import fitted
from loresmith.assistant.prompt import assemble
from loresmith.errors import UsageError
from loresmith.evidence.sentences import sentences
from loresmith.host import PluginHost
from loresmith.knowledge.lookup import Lookup
from loresmith.rungs import PARTS
from loresmith.specs import Engine, Progress
from loresmith.values import Answer, Completion, Example, Hit, Message, Trace, Weights


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question that is ready to be answered: its trace, and the passages of its prompt."""

    trace: Trace
    hits: list[Hit]


class Assistant:
    """Answers conversations the way of one rung.

    What the rung has no use for is left alone, so that the rungs of a ladder are made from the same parts.

    Args:
        engine: Generates the replies; it may be shared, its weights are set before each use.
        lookup: Finds the passages; needed by `rag` and `hybrid`.
        rung: Rung of the ladder.
        instructions: System prompt.
        demonstrations: Examples shown in the few-shot rung.
        weights: What was trained; needed by `tuned` and `hybrid`.
        declines: Tells refusals.
        host: Plugins that look at answers.
        notes: What the user should know about this assistant; goes into every trace.
        citations: What becomes of citations that fail their check: `strict`, `mark` or `off`.
        run: Id of the run that it is of; empty before anything is built.

    Raises:
        UsageError: If the rung needs a part that is not there.
    """

    def __init__(
        self,
        engine: Engine,
        lookup: Lookup | None,
        rung: str,
        instructions: str,
        demonstrations: Sequence[Example],
        weights: Weights | None,
        declines: Declines,
        host: PluginHost,
        notes: Sequence[str] = (),
        citations: str = "mark",
        run: str = "",
    ) -> None:
        parts = PARTS[rung]
        if parts.passages and lookup is None:
            raise UsageError(
                f'rung "{rung}" looks things up, and there is no index', "Build one with `loresmith index`."
            )
        if parts.trained and weights is None:
            raise UsageError(f'rung "{rung}" needs training, and nothing is trained', "Train it: `loresmith build`.")
        self.engine, self.rung, self.instructions, self.declines, self.host = engine, rung, instructions, declines, host
        self.lookup = lookup if parts.passages else None
        self.demonstrations = tuple(demonstrations) if parts.demonstrations else ()
        self.weights = weights if weights and parts.trained else Weights()
        self.notes, self.citations, self.run = tuple(notes), citations, run

    @property
    def checks(self) -> bool:
        """Whether replies are checked before they are shown: sentence by sentence, or as a whole where it is strict."""
        return self.lookup is not None and self.citations != "off"

    def answer(self, conversations: Sequence[Sequence[Message]], progress: Progress | None = None) -> list[Answer]:
        """Answer many conversations in one batch, each ending with a turn of the user.

        The seconds of an answer are its shares of the batch, for looking up and for generating. What the lookup calls
        beyond its documents is declined without asking the engine.
        """
        if not conversations:
            return []
        started = time.perf_counter()
        prepared = self._prepare(conversations)
        looking_up = (time.perf_counter() - started) / len(prepared)
        asked = [each for each in prepared if not each.trace.refused]
        self.engine.use(self.weights)
        completions = iter(self.engine.complete([each.trace.prompt for each in asked], progress) if asked else [])
        answers = []
        for each in prepared:
            completion = self._declined() if each.trace.refused else next(completions)
            answers.append(self._finish(each, replace(completion, seconds=completion.seconds + looking_up)))
        return answers

    def prompts(self, conversations: Sequence[Sequence[Message]]) -> list[list[Message]]:
        """Return what the engine reads to answer each conversation; nothing where it is declined without asking it."""
        return [each.trace.prompt for each in self._prepare(conversations)] if conversations else []

    def stream(self, conversation: Sequence[Message]) -> Reply:
        """Look up what a conversation needs and return its reply, which is generated as it is iterated."""
        return Reply(self, self._prepare([conversation])[0])

    def _declined(self) -> Completion:
        return Completion(self.declines.usual, 0, 0, 0.0)

    def _prepare(self, conversations: Sequence[Sequence[Message]]) -> list[Prepared]:
        # Its tokens are counted with the weights that reply: whole weights may bring a tokenizer of their own.
        self.engine.use(self.weights)
        traces = [self._trace(conversation) for conversation in conversations]
        found = self._looked_up(conversations, traces)
        return [
            Prepared(trace, [] if trace.refused else self._put_in(trace, conversation, hits))
            for trace, hits, conversation in zip(traces, found, conversations, strict=True)
        ]

    def _trace(self, conversation: Sequence[Message]) -> Trace:
        settings = {"citations": self.citations} if self.lookup is not None else {}
        return Trace(question=conversation[-1]["content"], notes=list(self.notes), settings=settings)

    def _looked_up(self, conversations: Sequence[Sequence[Message]], traces: Sequence[Trace]) -> list[list[Hit]]:
        if self.lookup is None:
            return [[] for _ in traces]
        queries = self.lookup.condensed(conversations)
        found = self.lookup.find(queries, traces)
        for trace in traces:
            if trace.query != trace.question.strip():
                trace.notes.append("searched for what the question means in the conversation, not for its words alone")
        return found

    def _put_in(self, trace: Trace, conversation: Sequence[Message], hits: Sequence[Hit]) -> list[Hit]:
        """Put the prompt together from what fits the window, tell the trace, and return the passages in it."""
        build = partial(assemble, self.instructions, demonstrations=self.demonstrations)
        fits = fitted(self.engine, build, conversation, hits)
        trace.prompt, trace.cut = fits.prompt, fits.cut
        trace.passages = [{"n": n, **hit.to_json(), "title": hit.chunk.place} for n, hit in enumerate(fits.hits, 1)]
        left_out = len(conversation) - fits.turns
        if left_out:
            trace.notes.append(f"the {left_out} oldest turns were left out of the prompt")
        return fits.hits

    def _finish(self, prepared: Prepared, completion: Completion) -> Answer:
        trace, text = prepared.trace, completion.text.strip()
        self._note(trace, marks(text), len(prepared.hits), finished=completion.finished)
        answer = Answer(
            answer=text,
            citations=cite(text, prepared.hits),
            refused=self.declines.matches(text),
            rung=self.rung,
            trace=trace,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=completion.seconds,
        )
        if answer.refused and not trace.refused:
            trace.refused = "the reply declines"
        self.host.observe("check_answer", answer=answer, trace=trace)
        if self.checks and self.citations == "strict" and not answer.refused:
            self._insist(answer)
        trace.cited = sorted({citation.n for citation in answer.citations})
        return answer

    def _insist(self, answer: Answer) -> None:
        """Make a reply a refusal unless all that it cites, and all the numbers it gives, is supported."""
        failed = [citation.why for citation in answer.citations if not citation.supported]
        failed += [check["why"] for check in answer.trace.checks if not check["supported"] and check["told"]]
        if not answer.citations and without_marks(answer.answer):
            failed.append("nothing is cited")
        if failed:
            answer.trace.refused = f"citations are strict: {failed[0]}"
            answer.trace.notes.append(f"withheld: {answer.answer}")
            answer.answer, answer.citations, answer.refused = self.declines.usual, [], True

    @staticmethod
    def _note(trace: Trace, numbers: Sequence[int], passages: int, *, finished: bool) -> None:
        nowhere = sorted({n for n in numbers if not 1 <= n <= passages})
        if nowhere:
            listed = ", ".join(f"[{n}]" for n in nowhere)
            trace.notes.append(f"the reply cites {listed}, and there were {passages or 'no'} passages")
        if not finished:
            trace.notes.append("the reply was cut off before its end")


class Reply:
    """A reply on its way: iterate over its pieces, then take the `answer`.

    Where replies are checked before they are shown, the pieces are empty until a sentence is whole and checked; where
    citations are strict, until the reply is.
    """

    def __init__(self, assistant: Assistant, prepared: Prepared) -> None:
        self._assistant, self._prepared = assistant, prepared
        self._text = self._checked = self._shown = ""
        self._checked_to = 0
        self._finished = False
        self._started = time.perf_counter()
        self._answer: Answer | None = None

    def __iter__(self) -> Iterator[str]:
        held = self._assistant.checks
        for piece in self._pieces():
            self._text += piece
            if not held:
                yield piece
                continue
            ready = self._checked_so_far()
            new = ready.removeprefix(self._shown) if ready.startswith(self._shown) else ""
            self._shown += new
            yield new
        self._finished = True
        if held:
            yield self.rest()

    def rest(self) -> str:
        """Return what of the answer was held back until now, also of a reply that was stopped."""
        if not self._assistant.checks:
            return ""
        whole = self.answer().answer
        return whole.removeprefix(self._shown) if whole.startswith(self._shown) else f"\n{whole}"

    def answer(self) -> Answer:
        """Return the answer; of a reply that was stopped, as far as it came. Tokens are not counted."""
        if self._answer is None:
            seconds = time.perf_counter() - self._started
            completion = Completion(self._text, 0, 0, seconds, self._finished)
            self._answer = self._assistant._finish(self._prepared, completion)
        return self._answer

    def _checked_so_far(self) -> str:
        """Return the sentences that are whole, as the check leaves them: a sentence is when the next one has begun."""
        spans = sentences(self._text)
        end = spans[-1][0] if len(spans) > 1 else 0
        if end > self._checked_to and self._assistant.citations != "strict":
            said = replace(self._prepared, trace=deepcopy(self._prepared.trace))
            part = self._assistant._finish(said, Completion(self._text[:end], 0, 0, 0.0))
            self._checked_to, self._checked = end, part.answer
        return self._checked

    def _pieces(self) -> Iterator[str]:
        if self._prepared.trace.refused:
            yield self._assistant.declines.usual
            return
        self._assistant.engine.use(self._assistant.weights)
        yield from self._assistant.engine.stream_text(self._prepared.trace.prompt)
