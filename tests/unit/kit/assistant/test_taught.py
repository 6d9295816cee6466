from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.assistant.taught import Taught
from loresmith.errors import LoresmithError
from loresmith.values import Example


def example(question: str, document: str = "", *, answerable: bool = True, turns: int = 1) -> Example:
    talk = [{"role": "user", "content": question}, {"role": "assistant", "content": f"re {question}"}]
    return Example.of(talk * turns, grounding=[document] if document else [], answerable=answerable)  # type: ignore[arg-type]


TRAIN = [
    *(example(f"fare {n}", "fares.md") for n in range(8)),
    example("dog", "dogs.md"),
    example("long", "bikes.md", turns=2),
    example("parrot", answerable=False),
]


def test_demonstrations_vary_and_the_first_of_three_declines() -> None:
    shown = Taught.of(TRAIN, 3, seed=13).demonstrations
    assert [e.answerable for e in shown] == [False, True, True]
    assert {e.grounding for e in shown[1:]} == {("fares.md",), ("dogs.md",)}
    assert all(e.answerable for e in Taught.of(TRAIN, 2, seed=13).demonstrations)
    assert Taught.of(TRAIN, 0, seed=13).demonstrations == ()
    assert len(Taught.of(TRAIN, 32, seed=13).demonstrations) == len(TRAIN)


def test_the_choice_depends_on_nothing_but_split_number_and_seed() -> None:
    assert Taught.of(TRAIN, 3, 13).demonstrations == Taught.of(TRAIN[::-1], 3, 13).demonstrations
    assert len({tuple(e.id for e in Taught.of(TRAIN, 3, seed).demonstrations) for seed in range(8)}) > 1


def test_what_a_run_keeps_comes_back_the_same(tmp_path: Path) -> None:
    before = Taught.of(TRAIN, 3, 13)
    before.write(tmp_path)
    after = Taught.read(tmp_path)
    assert [e.messages for e in after.demonstrations] == [e.messages for e in before.demonstrations]
    assert after.declines.wanted == ("re parrot",)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"demonstrations": 3, "declines": []}'])
def test_a_run_without_it_says_so(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "taught.json").write_text(content)
    with pytest.raises(LoresmithError, match=r"taught\.json is missing or damaged"):
        Taught.read(tmp_path)
