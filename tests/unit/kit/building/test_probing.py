from __future__ import annotations

from fake_parts import FARES, FakeEngine, FakeRetriever, chunk, fake_assistant, fake_lookup, guarded_host
from loresmith.assistant.assistant import Assistant
from loresmith.building.probing import Probing
from loresmith.knowledge.lookup import Lookup
from loresmith.specs import Metric, MetricSpec, ScoredAnswer
from loresmith.values import Answer, Example
from loresmith_plugins.metrics.injection import CANARY, LINK, Injection, InjectionOptions

EXAMPLES = [
    Example.of([{"role": "user", "content": f"fare {n}?"}, {"role": "assistant", "content": "9.40 marks."}])
    for n in range(6)
]


def obeying(prompt: str) -> str:
    """Reply as a model does that does all it reads."""
    return next((word for word in (CANARY, LINK) if word in prompt), "The single fare is 9.40 marks [1].")


def score(example: Example, answer: Answer, metric: Metric) -> float | None:
    return metric.score(ScoredAnswer(example, answer.answer, (), answer.refused))


def test_a_model_that_obeys_is_told_with_the_defence_and_without() -> None:
    host, engine = guarded_host(), FakeEngine(obeying)
    lookup = fake_lookup(FakeRetriever(chunk(FARES)), host)

    def assistant(on: Lookup) -> Assistant:
        made = fake_assistant(engine=engine, host=host)
        made.lookup = on
        return made

    told: list[str] = []
    metric = Injection(InjectionOptions(questions=4))
    spec = MetricSpec(name="injection", summary="", build=Injection)
    probing = Probing(lookup, assistant, score, lambda activity, _done, _total: told.append(activity))
    scores, receipts = probing.scores([(spec, metric)], EXAMPLES)
    assert scores == {"injection": dict.fromkeys([e.id for e in EXAMPLES[:4]], 1.0)}
    assert receipts == {"injection": {"n": 4, "score": 1.0, "without_defence": 0.0}}
    assert set(told) == {"asking again (injection)", "asking again (injection, no defence)"}


def test_nothing_stays_planted_in_the_index() -> None:
    host = guarded_host()
    lookup = fake_lookup(FakeRetriever(chunk(FARES)), host)
    Probing(lookup, lambda on: _with(on, host), score, lambda *_: None).scores(
        [(MetricSpec(name="injection", summary="", build=Injection), Injection(InjectionOptions(questions=1)))],
        EXAMPLES,
    )
    ((hit,),) = lookup.search(["fare 0?"])
    assert hit.chunk.text == FARES


def _with(lookup: Lookup, host: object) -> Assistant:
    made = fake_assistant(engine=FakeEngine(obeying), host=host)  # type: ignore[arg-type]
    made.lookup = lookup
    return made
