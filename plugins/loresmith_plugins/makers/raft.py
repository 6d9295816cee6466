"""Maker `raft`: the examples again, with passages of the live retriever in the prompt.

The right passage stands among the retriever's own wrong ones, in random order, so that a model learns to find it, to
cite it, and to decline where it is not there. After RAFT (Zhang et al., 2024, arXiv:2403.10131), with the distractors
taken from the index the assistant will really use.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import Field

from loresmith.assistant.citations import support_share, with_marks
from loresmith.assistant.prompt import with_passages
from loresmith.hooks import hookimpl
from loresmith.knowledge.queries import condensed_by_rule
from loresmith.options import Options
from loresmith.specs import Maker, MakerContext, MakerSpec
from loresmith.values import Chunk, Example, Hit, Message

CANDIDATES = 24
"""Hits looked through for the right passage and for the wrong ones."""


class RaftOptions(Options):
    """What the prompts are made of."""

    passages: int = Field(default=2, ge=1, le=20, description="Passages in a prompt")
    without_right: float = Field(
        default=0.1, ge=0, le=1, description="Share of prompts without the right passage; their target declines"
    )


class RaftMaker:
    """Puts passages into the prompts of examples.

    Args:
        options: How many passages, and how often without the right one.
        context: The live retriever, and the documents that must not appear.
    """

    def __init__(self, options: RaftOptions, context: MakerContext) -> None:
        self._options, self._context = options, context

    def make(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Return each example with passages in its last question and with citations in its reply.

        An example whose documents are unknown or whose right passage cannot be found is left out. Which examples go
        without the right passage, and the order of passages, hang on the seed and on the example alone.
        """
        queries = [condensed_by_rule(example.prompt) for example in examples]
        wrong = self._context.retrieve(queries, CANDIDATES)
        right = self._context.retrieve(
            [f"{query} {example.reply}" for query, example in zip(queries, examples, strict=True)], CANDIDATES
        )
        decline = usual_decline(examples)
        made = (
            self._with_passages(example, wrong_hits, right_hits, decline, random.Random(f"{seed}:{example.id}"))
            for example, wrong_hits, right_hits in zip(examples, wrong, right, strict=True)
        )
        return [example for example in made if example is not None]

    def _with_passages(
        self, example: Example, wrong: Sequence[Hit], right: Sequence[Hit], decline: str, chance: random.Random
    ) -> Example | None:
        distractors = self._distractors(example, wrong)
        if not example.answerable:
            return _asked(example, distractors[: self._options.passages], example.reply, chance)
        if decline and len(distractors) >= self._options.passages and chance.random() < self._options.without_right:
            asked = _asked(example, distractors[: self._options.passages], decline, chance)
            return replace(asked, answerable=False)
        gold = _right_passages(example, right)
        if not gold:
            return None
        fill = max(0, self._options.passages - len(gold))
        return _asked(example, [*gold, *distractors[:fill]], example.reply, chance)

    def _distractors(self, example: Example, hits: Sequence[Hit]) -> list[Chunk]:
        shut_out = self._context.shut_out | set(example.grounding)
        return [hit.chunk for hit in hits if hit.chunk.document not in shut_out]


def usual_decline(examples: Sequence[Example]) -> str:
    """Return the reply with which the examples decline most often, or nothing if they never do."""
    replies = Counter(example.reply for example in examples if not example.answerable)
    return replies.most_common(1)[0][0] if replies else ""


def _right_passages(example: Example, hits: Sequence[Hit]) -> list[Chunk]:
    """Return for each grounding document the passage that supports most of the reply."""
    best: list[Chunk] = []
    for document in example.grounding:
        chunks = [hit.chunk for hit in hits if hit.chunk.document == document]
        if chunks:
            best.append(max(chunks, key=lambda chunk: support_share(example.reply, chunk)))
    return best


def _asked(example: Example, passages: Sequence[Chunk], reply: str, chance: random.Random) -> Example:
    shuffled = chance.sample(list(passages), len(passages))
    question, target = example.messages[-2], example.messages[-1]
    marked = with_marks(reply, shuffled, example.grounding) if reply == example.reply and example.answerable else reply
    messages: list[Message] = [
        *(_read_only(message) for message in example.messages[:-2]),
        {**question, "content": with_passages(question["content"], shuffled)},
        {**target, "content": marked},
    ]
    return replace(example, messages=tuple(messages))


def _read_only(message: Message) -> Message:
    return {"role": message["role"], "content": message["content"], "trained": False}


def _build(options: RaftOptions, context: MakerContext) -> Maker:
    return RaftMaker(options, context)


@hookimpl
def register_makers(register: Callable[[MakerSpec], None]) -> None:
    """Register the maker."""
    register(
        MakerSpec(
            name="raft",
            summary="Examples with passages of the live retriever: the right one among its own wrong ones",
            options=RaftOptions,
            build=_build,
        )
    )
