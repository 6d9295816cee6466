"""Prompts hold the retriever's own passages: the right one cited, the wrong ones never of a held-out document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

import pytest

from loresmith.assistant.citations import marks, without_marks
from loresmith.specs import MakerContext
from loresmith.values import Chunk, Example, Hit, Message
from loresmith.words import words
from loresmith_plugins.makers.raft import RaftMaker, RaftOptions

DECLINE = "The documents do not say."
FACTS = {
    f"{name}.md": (f"The {name} opens at {hour}.", f"The {name} has {hour} chairs and a view of the river.")
    for hour, name in enumerate(
        ["kiosk", "museum", "harbour", "library", "market", "tower", "garden", "theatre", "bakery", "chapel"], 7
    )
}
CHUNKS = [
    Chunk(f"{document}#{n}", document, 0, len(text), text)
    for document, texts in FACTS.items()
    for n, text in enumerate(texts)
]


@dataclass
class Index:
    """A retriever that ranks by common words; `without` holds what it never finds."""

    without: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        self.asked += queries
        chunks = [chunk for chunk in CHUNKS if chunk.document not in self.without]
        return [
            sorted((Hit(c, len(set(words(query)) & set(words(c.text)))) for c in chunks), key=lambda h: -h.score)[:k]
            for query in queries
        ]


def turns(*texts: str) -> list[Message]:
    return [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)]


ANSWERED = [
    Example.of(turns(f"When does the {document[:-3]} open?", texts[0]), grounding=[document], place=document)
    for document, texts in FACTS.items()
]
UNANSWERED = [
    Example.of(turns(f"Who owns the {document[:-3]}?", DECLINE), answerable=False, place=document) for document in FACTS
]


def make(
    examples: Sequence[Example],
    *,
    seed: int = 1,
    shut_out: frozenset[str] = frozenset(),
    index: Index | None = None,
    passages: int = 3,
    without_right: float = 0.0,
) -> list[Example]:
    context = MakerContext(retrieve=(index or Index()).search, shut_out=shut_out)
    return RaftMaker(RaftOptions(passages=passages, without_right=without_right), context).make(examples, seed)


def passages(example: Example) -> list[Chunk]:
    """Return the chunks in the prompt of an example, in the order of their numbers."""
    shown = re.findall(r"^\[(\d+)\] (.+)$", example.question, re.MULTILINE)
    assert [int(n) for n, _ in shown] == list(range(1, len(shown) + 1))
    return [next(chunk for chunk in CHUNKS if chunk.text == text) for _, text in shown]


def test_the_right_passage_is_there_and_cited_by_its_number() -> None:
    made = make(ANSWERED)
    assert len(made) == len(ANSWERED)
    for example, original in zip(made, ANSWERED, strict=True):
        there = passages(example)
        assert len(there) == 3
        (n,) = marks(example.reply)
        assert there[n - 1].text == original.reply
        assert without_marks(example.reply) == original.reply
        assert example.question.endswith(original.question)
        assert (example.answerable, example.grounding) == (True, original.grounding)


def test_the_right_passage_stands_in_every_place() -> None:
    places = {marks(example.reply)[0] for seed in range(3) for example in make(ANSWERED, seed=seed)}
    assert places == {1, 2, 3}


def test_wrong_passages_are_other_documents_and_never_held_out_ones() -> None:
    shut_out = frozenset({"library.md", "market.md", "tower.md"})
    for example in [*make(ANSWERED, shut_out=shut_out, passages=5), *make(UNANSWERED, shut_out=shut_out, passages=5)]:
        there = passages(example)
        assert len(there) == 5
        own = [chunk for chunk in there if chunk.document in example.grounding]
        assert len(own) == len(example.grounding)
        assert not {chunk.document for chunk in there if chunk not in own} & shut_out


def test_wrong_passages_are_the_best_the_retriever_finds_for_the_question_alone() -> None:
    index = Index()
    (made,) = make(ANSWERED[:1], index=index)
    assert ANSWERED[0].question in index.asked
    (hits,) = Index().search([ANSWERED[0].question], 24)
    best = [hit.chunk for hit in hits if hit.chunk.document != "kiosk.md"][:2]
    wrong = [chunk for chunk in passages(made) if chunk.document != "kiosk.md"]
    assert sorted(chunk.id for chunk in wrong) == sorted(chunk.id for chunk in best)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_asked_for_goes_without_the_right_passage_and_declines(share: float) -> None:
    lacking = []
    for seed in range(15):
        made = make([*ANSWERED, *UNANSWERED], seed=seed, without_right=share)
        for example, original in zip(made[: len(ANSWERED)], ANSWERED, strict=True):
            has_right = bool({chunk.document for chunk in passages(example)} & set(original.grounding))
            assert has_right == example.answerable
            assert (example.reply == DECLINE) == (not has_right)
            assert len(passages(example)) == 3
            lacking.append(not has_right)
    assert mean(lacking) == pytest.approx(share, abs=0.08 if 0 < share < 1 else 0)


def test_without_a_way_to_decline_every_prompt_has_its_right_passage() -> None:
    assert all(example.answerable for example in make(ANSWERED, without_right=1.0))


def test_the_usual_way_to_decline_is_the_most_frequent() -> None:
    rare = Example.of(turns("Who sings?", "No idea."), answerable=False)
    made = make([rare, *ANSWERED, *UNANSWERED], without_right=1.0)
    assert {example.reply for example in made[1 : 1 + len(ANSWERED)]} == {DECLINE}
    assert made[0].reply == "No idea."


def test_what_the_documents_do_not_answer_gets_passages_and_declines_without_a_mark() -> None:
    for example in make(UNANSWERED):
        assert len(passages(example)) == 3
        assert example.reply == DECLINE
        assert not example.answerable


def test_the_same_seed_makes_the_same_prompts_whatever_stands_beside_them() -> None:
    every = [*ANSWERED, *UNANSWERED]
    made = make(every, seed=5, without_right=0.3)
    assert make(every, seed=5, without_right=0.3) == made
    assert make(every[::-1], seed=5, without_right=0.3) == made[::-1]
    assert make(every, seed=6, without_right=0.3) != made


def test_an_example_on_two_documents_gets_a_passage_of_each_and_cites_both() -> None:
    both = Example.of(
        turns("When do kiosk and tower open?", f"{FACTS['kiosk.md'][0]} {FACTS['tower.md'][0]}"),
        grounding=["kiosk.md", "tower.md"],
    )
    for count in (3, 2, 1):
        (made,) = make([both], passages=count)
        there = passages(made)
        assert len(there) == max(2, count)
        assert [there[n - 1].document for n in marks(made.reply)] == ["kiosk.md", "tower.md"]


def test_an_example_without_a_right_passage_to_show_is_left_out() -> None:
    unknown = Example.of(turns("When?", "At nine."))
    made = make([unknown, *ANSWERED[:2]], index=Index(without=frozenset({"kiosk.md"})))
    assert [example.grounding for example in made] == [("museum.md",)]


def test_a_follow_up_has_its_passages_in_the_last_question_and_learns_the_last_reply_alone() -> None:
    index = Index()
    original = Example.of(
        turns("Where is the museum?", "By the river.", "And when does it open?", FACTS["museum.md"][0]),
        grounding=["museum.md"],
    )
    (made,) = make([original], index=index)
    assert index.asked[0] == "Where is the museum? And when does it open?"
    assert [m["content"] for m in made.messages[:2]] == ["Where is the museum?", "By the river."]
    assert made.messages[1]["trained"] is False
    assert made.messages[-1].get("trained", True)
    assert made.messages[2]["content"].endswith("Question: And when does it open?")
    assert passages(made)[marks(made.reply)[0] - 1].document == "museum.md"


def test_what_was_made_keeps_where_it_came_from() -> None:
    assert [(e.id, e.place) for e in make(ANSWERED)] == [(e.id, e.place) for e in ANSWERED]
