from __future__ import annotations

import pytest

from loresmith.host import PluginHost
from loresmith.specs import MetricSpec, ScoredAnswer
from loresmith.values import Example


def answered(
    text: str,
    wanted: str = "",
    *,
    cited: tuple[str, ...] = (),
    grounding: tuple[str, ...] = (),
    answerable: bool = True,
    refused: bool = False,
) -> ScoredAnswer:
    example = Example.of(
        [{"role": "user", "content": "?"}, {"role": "assistant", "content": wanted}],
        grounding=grounding,
        answerable=answerable,
    )
    return ScoredAnswer(example, text, cited, refused)


def score(host: PluginHost, name: str, answer: ScoredAnswer) -> float | None:
    spec = host.registry.get(MetricSpec, name)
    return spec.build(spec.options()).score(answer)


def test_all_are_offered_and_say_whether_they_are_right_or_wrong(host: PluginHost) -> None:
    binary = {spec.name: spec.binary for spec in host.registry.of(MetricSpec)}
    assert binary == {
        "token_f1": False, "exact_match": True, "citation": False, "declines": True, "pattern": True,
        "json_schema": True, "injection": True, "reward": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted", "f1"),
    [
        ("The fare is 14.50 marks.", "a FARE is 14.50 marks", 1.0),
        ("The fare is 14.50 marks.", "The fare is 14.60 marks.", 3 / 4),
        ("at 07:40", "at 07:40 and 09:10", 2 * 2 / (2 + 4)),
        ("dog dog dog", "dog cat", 2 * 1 / (3 + 2)),
        ("nothing of that", "wholly different", 0.0),
        ("", "something", 0.0),
        ("...", "", 1.0),
        ("票价是14.50元", "票价是14.60元", 2 * 4 / 10),
    ],
)
def test_token_f1_counts_shared_words(host: PluginHost, text: str, wanted: str, f1: float) -> None:
    assert score(host, "token_f1", answered(text, wanted)) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "wanted", "right"),
    [("The Red Boat!", "red boat", 1.0), ("boat red", "red boat", 0.0), ("7:40", "740", 0.0)],
)
def test_exact_match_forgives_case_marks_and_articles_only(
    host: PluginHost, text: str, wanted: str, right: float
) -> None:
    assert score(host, "exact_match", answered(text, wanted)) == right


@pytest.mark.parametrize(
    ("cited", "share"),
    [
        (("fares.md",), 1.0),
        (("fares.md", "fares.md"), 1.0),
        (("fares.md", "dogs.md", "other.md", "more.md"), 0.5),
        (("other.md",), 0.0),
        ((), 0.0),
    ],
)
def test_citing_everything_does_not_pay(host: PluginHost, cited: tuple[str, ...], share: float) -> None:
    answer = answered("x", cited=cited, grounding=("fares.md", "dogs.md"))
    assert score(host, "citation", answer) == share


def test_citation_does_not_apply_where_no_document_is_right(host: PluginHost) -> None:
    assert score(host, "citation", answered("x", cited=("a.md",))) is None
    assert score(host, "citation", answered("x", cited=("a.md",), grounding=("a.md",), answerable=False)) is None


def test_declines_applies_to_what_the_documents_do_not_answer(host: PluginHost) -> None:
    assert score(host, "declines", answered("no", answerable=False, refused=True)) == 1.0
    assert score(host, "declines", answered("yes", answerable=False)) == 0.0
    assert score(host, "declines", answered("no", refused=True)) is None
