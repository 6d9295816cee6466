from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from fake_parts import FakeEngine
from loresmith.errors import UsageError
from loresmith.host import PluginHost
from loresmith.specs import EngineSpec, RerankerContext, RerankerSpec
from loresmith.testing import check_reranker
from loresmith.values import Chunk, Hit, Message, Weights
from loresmith_plugins.rerankers.judge.reranker import Judge


class Knows(FakeEngine):
    """Says yes the surer, the more often the passage has the word dog."""

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        self.asked = [list(conversation) for conversation in conversations]
        chances = [min(0.8, 0.1 + 0.2 * c[-1]["content"].count("dog")) for c in conversations]
        return [[math.log({"yes": p, "no": 0.9 - p}.get(o, 0.05)) for o in options] for p in chances]


def hits(*texts: str) -> list[Hit]:
    return [Hit(Chunk(f"c{n}", "d.md", 0, len(t), t, "Rules"), 1.0, {"dense": 1.0}) for n, t in enumerate(texts)]


def test_hits_are_ordered_by_how_likely_yes_is() -> None:
    engine = Knows()
    ranked = Judge(lambda: engine, "Does it help?").rerank("any  pets?", hits("cat", "dog dog", "dog"))
    assert [hit.chunk.id for hit in ranked] == ["c1", "c2", "c0"]
    assert ranked[0].score == pytest.approx(0.55)
    assert ranked[0].scores == {"dense": 1.0, "rerank": ranked[0].score}
    assert engine.weights == Weights()
    assert [m["content"] for m in engine.asked[0]] == ["Does it help?", "Passage: Rules cat\nQuestion: any pets?"]


def test_an_engine_that_does_not_tell_is_refused() -> None:
    with pytest.raises(UsageError, match="how likely a reply is"):
        Judge(FakeEngine, "Does it help?").rerank("pets?", hits("cat"))


def test_it_conforms_with_a_real_engine(host: PluginHost, chat_model: Path) -> None:
    engines, rerankers = host.registry.get(EngineSpec, "transformers"), host.registry.get(RerankerSpec, "judge")
    engine = engines.build(engines.options(), chat_model)
    judge = rerankers.build(rerankers.options(), RerankerContext(lambda: engine, Path))
    check_reranker(judge, "may a dog ride?", hits("a dog", "the fare of a child", "harbour"))
