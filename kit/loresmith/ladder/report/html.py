"""`report.html`: one file that needs nothing else, with every text in it escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith import files
from loresmith.ladder.compare import STRATA, Row, by_cost
from loresmith.ladder.report.charts import differences, ladder, losses
from loresmith.ladder.report.questions import side_by_side

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent

RUNG_MEANS = {
    "prompt": "instructions only",
    "few-shot": "with demonstrations",
    "rag": "with passages",
    "tuned": "trained",
    "hybrid": "trained, with passages",
}

Sample = Sequence[tuple[str, bool]]
"""A rendered example as runs of (text, trained)."""


def write(
    path: Path,
    report: Mapping[str, Any],
    rows_by_rung: Mapping[str, Sequence[Row]],
    events: Sequence[Mapping[str, Any]] = (),
    *,
    title: str,
    base: str = "",
    date: str = "",
    samples: Sequence[Sample] = (),
) -> None:
    """Write the report of a run.

    Args:
        path: Where it goes.
        report: What `record` returned.
        rows_by_rung: Answers by rung.
        events: Events of the run; `step` and `dev` become loss curves.
        title: Name of the assistant.
        base: Base model, as the recipe names it.
        date: When the run was made, as it shall be read.
        samples: Rendered examples of the mask receipt.
    """
    files.write_text(path, render(report, rows_by_rung, events, title=title, base=base, date=date, samples=samples))


def render(
    report: Mapping[str, Any],
    rows_by_rung: Mapping[str, Sequence[Row]],
    events: Sequence[Mapping[str, Any]] = (),
    *,
    title: str,
    base: str = "",
    date: str = "",
    samples: Sequence[Sample] = (),
) -> str:
    """Return the page; arguments as for `write`."""
    from markupsafe import Markup

    metric, ship = report["evaluation"]["metric"], report["verdict"]["ship"]
    style, script = _shipped("report.css"), _shipped("report.js")
    names = dict.fromkeys(name for found in report["rungs"].values() for name in found["metrics"])
    measured = sorted(names, key=lambda name: name != metric)
    page = _template().render(
        title=title,
        base=base,
        date=date,
        report=report,
        rungs=by_cost(report["rungs"]),
        rung_means=RUNG_MEANS,
        metric=metric,
        metrics=measured,
        ladders=[ladder(report, name) for name in measured],
        differences=[found for name in measured if (found := differences(report, name))],
        strata=sorted(report["strata"].items(), key=lambda item: STRATA.index(item[0]) if item[0] in STRATA else 9),
        losses=losses(events),
        samples=samples,
        masks=_masks(report["receipts"]),
        receipts=_other_receipts(report["receipts"]),
        questions=side_by_side(rows_by_rung, metric, ship),
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),
        script=Markup(script),
    )
    return page.lstrip()


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(HERE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"score": _score, "signed": _signed, "p": _p}
    return environment.get_template("report.html.j2")


def _shipped(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    # The browser runs and applies exactly these two texts; nothing that slipped into the page counts as either.
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _masks(receipts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the mask receipts of all stages, each with its stage's name; the last stage's bears no number."""
    numbers = sorted(int(name.removeprefix("mask-")) for name in receipts if name.startswith("mask-"))
    named = {f"stage {number}": f"mask-{number}" for number in numbers}
    named["the last stage" if numbers else "the stage"] = "mask"
    return [(title, receipts[name]) for title, name in named.items() if name in receipts]


def _other_receipts(receipts: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Any]]]]:
    drawn = {"mask", "leak", "gains"}
    others = ((name, found) for name, found in receipts.items() if name not in drawn and not name.startswith("mask-"))
    return [(name, list(_flat(found))) for name, found in others]


def _flat(value: Any, key: str = "") -> Sequence[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(key, value)]
    return [pair for name, inner in value.items() for pair in _flat(inner, f"{key}.{name}" if key else str(name))]


def _score(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\u2212")


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p {value:.3f}"
