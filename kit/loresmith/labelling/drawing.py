"""Draws replies to questions, and keeps them in the journal as tasks; a stop loses at most the batch in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.open import open_assistant, run_to_ask
from loresmith.host import PluginHost
from loresmith.journal.judgements import DrawnReply, Judgements
from loresmith.labelling.questions import Prompt
from loresmith.modelstore.store import Report
from loresmith.project import Project
from loresmith.values import Message, Sampling, content_hash

REPLIES = range(2, 5)
"""How many replies to one question are compared."""
TOP_P = 0.95
AT_ONCE = 4
"""Questions replied to in one batch; the first batch is one, so that the person need not wait."""
ACTIVITY = "drawing replies"
ATTEMPTS = 3
"""How often it is drawn where replies come out alike."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How replies are drawn.

    Args:
        replies: Replies to a question.
        temperature: The higher, the further apart they are.
        rung: The rung that replies; see `usual_rung` if not given.
        run: Id of a run; that of the artefact, or the latest that is done, if not given.
    """

    replies: int = 3
    temperature: float = 0.8
    rung: str | None = None
    run: str | None = None


def usual_rung(project: Project, run: str | None = None) -> str:
    """Return the rung whose prompts preference methods train on: the bare question, with what is trained so far."""
    chosen = run_to_ask(project, run)
    return "tuned" if chosen and chosen.weights_of("tuned") else "prompt"


class Drawer:
    """Draws for one project; the model is loaded when it is first needed.

    Args:
        project: The project.
        host: The plugins.
        drawing: How replies are drawn.
        prompts: Questions, in the order they are asked.
        report: Told how far it is.
    """

    def __init__(
        self, project: Project, host: PluginHost, drawing: Drawing, prompts: Sequence[Prompt], report: Report
    ) -> None:
        self._project, self._host, self._drawing, self._report = project, host, drawing, report
        self._judgements = Judgements(project)
        chosen = run_to_ask(project, drawing.run)
        self._run = chosen.id if chosen else ""
        self.rung = drawing.rung or usual_rung(project, drawing.run)
        self.alike = 0
        """To how many questions all replies came out alike, so that there is nothing to compare."""
        known = self._judgements.keys()
        self._missing = [(key, prompt) for prompt in prompts if (key := self._key(prompt)) not in known]

    @property
    def missing(self) -> int:
        """How many questions have no replies yet that were drawn like this."""
        return len(self._missing)

    def draw(self, count: int, stopping: Callable[[], bool] = lambda: False) -> int:
        """Draw replies to so many questions, or to those there are; return how many of them can be compared.

        Where all replies to a question come out alike, there is nothing to compare, and another one is taken.
        """
        made, assistant = 0, None
        while made < count and self._missing and not stopping():
            self._report(ACTIVITY, made, count)
            assistant = assistant or self._opened()
            size = min(AT_ONCE, count - made) if made else 1
            batch, self._missing = self._missing[:size], self._missing[size:]
            made += self._drawn(assistant, dict(batch))
        self._report(ACTIVITY, made, made)
        return made

    def _opened(self) -> Assistant:
        return open_assistant(self._project, None, self._host, self.rung, self._run or None, report=self._report)

    def _drawn(self, assistant: Assistant, batch: Mapping[str, Prompt]) -> int:
        """Draw to a batch of questions and keep what came; return to how many there is something to compare."""
        read = dict(zip(batch, assistant.prompts(list(batch.values())), strict=True))
        found = self._distinct(assistant, read)
        # What is trained is all that was read, but for the instructions and the demonstrations.
        begin = 1 + sum(len(example.messages) for example in assistant.demonstrations)
        for key, prompt in batch.items():
            self._judgements.add(key, read[key][begin:] or prompt, found[key])
        differ = sum(len(replies) > 1 for replies in found.values())
        self.alike += len(batch) - differ
        return differ

    def _distinct(self, assistant: Assistant, read: Mapping[str, list[Message]]) -> dict[str, list[DrawnReply]]:
        """Return for each prompt the replies that differ; where they come out alike, it is drawn again."""
        found: dict[str, dict[str, DrawnReply]] = {key: {} for key in read}
        wanted = self._drawing.replies
        for attempt in range(ATTEMPTS):
            lacking = {key: read[key] for key in read if read[key] and len(found[key]) < wanted}
            for key, reply in self._replies(assistant, lacking, attempt):
                if reply.text and len(found[key]) < wanted:
                    found[key].setdefault(" ".join(reply.text.split()), reply)
        return {key: list(replies.values()) for key, replies in found.items()}

    def _replies(
        self, assistant: Assistant, prompts: Mapping[str, list[Message]], attempt: int
    ) -> Iterator[tuple[str, DrawnReply]]:
        drawing, keys = self._drawing, [key for key in prompts for _ in range(self._drawing.replies)]
        if not keys:
            return
        seed = int(content_hash("label", str(attempt), *prompts)[:12], 16)
        sampling = Sampling(drawing.temperature, TOP_P, seed)
        said = assistant.engine.complete([prompts[key] for key in keys], sampling=sampling)
        for key, one in zip(keys, said, strict=True):
            # A file of rows cannot hold NUL, which a model may well write.
            text = one.text.replace("\0", "").strip()
            yield key, DrawnReply(text, self._run, self.rung, drawing.temperature, one.finished)

    def _key(self, prompt: Prompt) -> str:
        drawing = self._drawing
        turns = [part for message in prompt for part in (message["role"], message["content"])]
        return content_hash(self._run, self.rung, str(drawing.replies), str(drawing.temperature), *turns)[:16]
