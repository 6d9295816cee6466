"""The judge: how likely the engine says yes to a passage.

    score(q, c) = p(yes) / (p(yes) + p(no))        given question and passage

Nothing is generated: both replies are only weighed, so that one reading of the prompt a passage is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from loresmith.errors import UsageError
from loresmith.specs import ChoosingEngine, Engine
from loresmith.values import Hit, Message, Weights
from loresmith_plugins.rerankers.options import by_score

_REPLIES = ("yes", "no", "Yes", "No")


class Judge:
    """Scores hits between 0 and 1.

    Args:
        engine: Gives the engine.
        question: What it is asked of each passage.
    """

    def __init__(self, engine: Callable[[], Engine], question: str) -> None:
        self._engine = engine
        self._question = question

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits, best first.

        Raises:
            UsageError: If the engine cannot say how likely a reply is.
        """
        engine = self._engine()
        if not isinstance(engine, ChoosingEngine):
            raise UsageError(
                "the reranker `judge` needs an engine that says how likely a reply is, and this one does not",
                "Take the engine `transformers`, or the reranker `cross-encoder`.",
            )
        # What was trained replies in the house style, not with yes or no.
        engine.use(Weights())
        chances = engine.log_probabilities([self._asked(query, hit) for hit in hits], _REPLIES)
        return by_score(hits, [_yes(*row) for row in chances])

    def _asked(self, query: str, hit: Hit) -> list[Message]:
        passage = " ".join(hit.chunk.searchable.split())
        return [
            {"role": "system", "content": self._question},
            {"role": "user", "content": f"Passage: {passage}\nQuestion: {' '.join(query.split())}"},
        ]


def _yes(yes: float, no: float, upper_yes: float, upper_no: float) -> float:
    likelier = max(yes, no, upper_yes, upper_no)
    for_it = math.exp(yes - likelier) + math.exp(upper_yes - likelier)
    against = math.exp(no - likelier) + math.exp(upper_no - likelier)
    return for_it / (for_it + against)
