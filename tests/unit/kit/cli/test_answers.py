from __future__ import annotations

from dataclasses import fields

from loresmith.cli.answers import trace_text
from loresmith.values import Trace


def _hit(name: str) -> dict[str, object]:
    place = {"document": f"{name}.md", "chunk": f"{name}.md#0", "start": 0, "end": 9, "text": f"text of {name}"}
    return {**place, "score": 0.5, "scores": {"dense": 0.25}, "why": f"because of {name}"}


def test_the_trace_leaves_out_nothing_that_was_kept() -> None:
    check = {"sentence": "It is free.", "marks": [1], "supported": False, "why": "no such word", "repair": "moved"}
    trace = Trace(
        question="asked above it",
        query="the query",
        queries=["another query"],
        retrieved=[_hit("retrieved")],
        filtered=[_hit("filtered")],
        reranked=[{"chunk": "reranked.md#0", "score": 0.75}],
        dropped=[_hit("dropped")],
        cut=[_hit("cut")],
        passages=[{"n": 3, **_hit("passages")}],
        prompt=[{"role": "system", "content": "the prompt"}],
        cited=[7],
        checks=[check],
        refused="the refusal",
        settings={"citations": "strictly"},
        notes=["the note"],
    )
    wanted = {
        "question": "",
        "query": "searched for: the query",
        "queries": "also searched for: another query",
        "retrieved": "retrieved 1: retrieved.md (characters 0-9) score 0.5  dense 0.25",
        "filtered": "why: because of filtered",
        "reranked": "reranked 1: reranked.md#0 score 0.75",
        "dropped": "why: because of dropped",
        "cut": "why: because of cut",
        "passages": "[3] passages.md",
        "prompt": "--- system ---\nthe prompt",
        "cited": "cited: [7]",
        "checks": 'check: "It is free." [1] not supported: no such word, moved',
        "refused": "refused: the refusal",
        "settings": "settings: citations strictly",
        "notes": "note: the note",
    }
    assert set(wanted) == {field.name for field in fields(Trace)}
    shown = trace_text(trace, 200)
    assert [name for name, text in wanted.items() if text not in shown] == []


def test_a_narrow_place_breaks_the_lines() -> None:
    trace = Trace(query="word " * 40)
    assert max(map(len, trace_text(trace, 50).splitlines())) <= 50
