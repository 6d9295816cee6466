from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from loresmith.ladder.compare import compare
from loresmith.ladder.report import html
from loresmith.ladder.report.questions import side_by_side
from loresmith.ladder.report.record import record
from loresmith.ladder.verdict import decide

HOSTILE = """</script><img src=x onerror="alert(1)"><svg onload='x'>{{ 7 * 7 }}&amp;"quoted"</textarea>"""
VOID = {"meta", "input"}


class Page(HTMLParser):
    """Reads a page: its tags with attributes, its text, and whether all that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture
def given(rows: Callable[..., Any]) -> Any:
    scores = {"prompt": [0.1, 0.4, 0.3], "rag": [0.2, 0.3, 0.6], "hybrid": [0.5, 0.7, 0.2]}
    citation = {"n": 1, "document": HOSTILE, "start": 0, "end": 5, "quote": HOSTILE, "supported": False}
    return rows(scores, question=HOSTILE, gold=HOSTILE, answer=HOSTILE, citations=[citation], refused=True)


@pytest.fixture
def report(given: Any) -> dict[str, Any]:
    comparison = compare(given, [("token_f1", False), ("declines", True)], 200, 1)
    verdict = decide(comparison, list(given), "token_f1", 0.02)
    mask = {"trained_tokens": 1200, "masked_tokens": 4800, "eos_trained": True}
    receipts = {"mask": mask, "leak": {"exact": 0, "near": 0}, "parity": {HOSTILE: {"inner": HOSTILE}}}
    return record(comparison, verdict, metric="token_f1", margin=0.02, run=HOSTILE, report="r", receipts=receipts)


@pytest.fixture
def text(report: dict[str, Any], given: Any) -> str:
    events = [{"event": kind, "stage": HOSTILE, "step": n, "loss": 3.0 / n} for n in (1, 2) for kind in ("step", "dev")]
    samples = [[(HOSTILE, False), ("trained reply", True)]]
    return html.render(report, given, events, title=HOSTILE, base=HOSTILE, date=HOSTILE, samples=samples)


def test_hostile_text_is_shown_and_never_becomes_markup(text: str) -> None:
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"img", "iframe", "object", "embed", "link", "base", "form", "textarea"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on") or a == "style"]
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.text.count(HOSTILE) >= 3 * 6
    assert "49" not in re.findall(r"\b49\b", page.text)


def test_every_tag_that_opens_closes(text: str) -> None:
    assert Page(text).open == []


def test_the_page_needs_nothing_from_outside(text: str) -> None:
    ours = text.replace(HOSTILE, "")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", ours)
    assert not [a for _, attributes in Page(text).tags for a in attributes if a in ("src", "srcset", "action", "data")]
    assert all(a["href"].startswith("#") for tag, a in Page(text).tags if tag == "a" and a.get("href"))


def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page(text: str) -> None:
    policy = next(a["content"] for tag, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>\n</body>", text, re.DOTALL)
    assert style
    assert script
    assert policy == (
        f"default-src 'none'; style-src {html._source(style[1])}; script-src {html._source(script[1])}; "
        "base-uri 'none'; form-action 'none'"
    )


def test_every_question_has_every_rungs_answer_and_works_without_script(report: dict[str, Any], given: Any) -> None:
    for rung, found in given.items():
        for index, row in enumerate(found):
            row["answer"] = f"{rung} says {index}"
    page = Page(html.render(report, given, title="desk"))
    for rung in given:
        assert all(f"{rung} says {index}" in page.text for index in range(3))
    assert [a["data-number"] for tag, a in page.tags if tag == "details" and "data-number" in a] == ["1", "2", "3"]
    assert not [a for _, a in page.tags if "hidden" in a and a.get("id") != "none"]


def test_the_verdict_the_receipts_and_the_trained_tokens_are_on_the_page(text: str, report: dict[str, Any]) -> None:
    page = Page(text)
    assert report["verdict"]["why"][1:] in page.text
    assert "1,200" in page.text
    assert "<mark>trained reply</mark>" in text
    assert "not supported" in page.text
    assert "declined" in page.text


def test_the_gains_and_the_masks_of_all_stages_are_on_the_page(report: dict[str, Any], given: Any) -> None:
    gain = {"stage": 0, "method": "sft", "rung": "tuned", "metric": "token_f1", "n": 9, "before": 0.1, "after": 0.35,
            "pairs": None}  # fmt: skip
    first = {"trained_tokens": 77, "masked_tokens": 0, "eos_trained": False}
    pairs = {"n": 12, "before": {"mean": 0.25}, "after": {"mean": 0.75}}
    later = {**gain, "stage": 1, "method": HOSTILE, "before": 0.35, "after": 0.3, "pairs": pairs}
    report["receipts"] = {"mask-0": first, **report["receipts"], "gains": {"stage 1": later, "stage 0": gain}}
    page = Page(html.render(report, given, title="desk"))
    shown = " ".join(page.text.split())
    assert "On 9 dev questions, token_f1; and the share of 12 held-out pairs" in shown
    assert "0.250 \u2192 0.750" in shown
    assert shown.index("+0.250") < shown.index("\u22120.050")
    assert shown.index("What stage 0 trained") < shown.index("What the last stage trained")
    assert page.open == []


def test_light_dark_and_print_are_served(text: str) -> None:
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_a_ladder_of_one_rung_without_training_has_a_page(rows: Callable[..., Any], tmp_path: Path) -> None:
    given = rows({"rag": [0.4, 0.6]})
    comparison = compare(given, [("token_f1", False)], 200, 1)
    verdict = decide(comparison, ["rag"], "token_f1", 0.02)
    report = record(comparison, verdict, metric="token_f1", margin=0.02, run="r", report="r", receipts={})
    html.write(tmp_path / "deep" / "report.html", report, given, title="desk")
    page = Page((tmp_path / "deep" / "report.html").read_text(encoding="utf-8"))
    assert "only rag was measured" in page.text.lower()
    assert "Training" not in page.text


def test_questions_know_how_far_the_shipped_rung_is_behind(given: Any) -> None:
    questions = side_by_side(given, "token_f1", "hybrid")
    assert [round(q.gap, 3) for q in questions] == [-0.3, -0.3, 0.4]
    assert [q.score for q in questions] == [0.5, 0.7, 0.2]
    assert [round(q.spread, 3) for q in questions] == [0.4, 0.4, 0.4]
    nobody = side_by_side(given, "declines", "hybrid")[0]
    assert (nobody.score, nobody.gap, nobody.spread) == (1.0, 0.0, 0.0)
