"""The ladder as plain text, for a terminal or a log."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from loresmith.ladder.verdict import flipped, proven

GAP = "  "


def render(report: Mapping[str, Any], width: int = 100) -> str:
    """Return the printed ladder: rungs with means and 95 % intervals, what the shipped one wins by, the verdict.

    Args:
        report: What `record` returned.
        width: Columns there are; metrics that do not fit go into a table of their own below.
    """
    blocks = [*_rungs(report, width), _differences(report), _verdict(report, width)]
    return "\n\n".join(block for block in blocks if block)


def _rungs(report: Mapping[str, Any], width: int) -> list[str]:
    rungs: Mapping[str, Any] = report["rungs"]
    lead = [_column("rung", [_marked(rung, report) for rung in rungs], left=True)]
    lead_n = _column("n", [str(found["n"]) for found in rungs.values()])
    names = list(dict.fromkeys(name for found in rungs.values() for name in found["metrics"]))
    scores = [_column(name, [_interval(found["metrics"].get(name)) for found in rungs.values()]) for name in names]
    costs = [
        _column("tokens in", [f"{found['tokens_in']:.0f}" for found in rungs.values()]),
        _column("out", [f"{found['tokens_out']:.0f}" for found in rungs.values()]),
        _column("seconds", [f"{found['seconds']:.2f}" for found in rungs.values()]),
    ]
    tables = [[*lead, lead_n, *scores[:1], *costs]]
    for column in scores[1:]:
        if _width([*tables[-1], column]) > width:
            tables.append(list(lead))
        tables[-1].append(column)
    # Costs close the first table, whatever else fits beside them.
    first = tables[0]
    tables[0] = [column for column in first if column not in costs] + costs
    return ["\n".join(GAP.join(cells).rstrip() for cells in zip(*table, strict=True)) for table in tables]


def _differences(report: Mapping[str, Any]) -> str:
    ship, choice = report["verdict"]["ship"], report["evaluation"]
    pairs = [pair for pair in report["pairs"] if pair["metric"] == choice["metric"] and ship in (pair["a"], pair["b"])]
    if not pairs:
        return ""
    seen = [pair if pair["a"] == ship else flipped(pair) for pair in pairs]
    columns = [
        _column("", [f"  {pair['a']} - {pair['b']}" for pair in seen], left=True),
        _column("", [f"{p['delta']:+.3f} [{p['low']:+.3f}, {p['high']:+.3f}]" for p in seen]),
        _column("", [f"p {pair['p_holm']:.4f}" for pair in seen]),
        _column("", [_word(pair, choice["margin"]) for pair in seen], left=True),
    ]
    rows = ["".join(GAP.join(cells).rstrip()) for cells in list(zip(*columns, strict=True))[1:]]
    title = f"{choice['metric']}, {ship} against the others (95 % interval, p after Holm)"
    detectable = report["minimum_detectable"].get(choice["metric"])
    tail = [] if detectable is None else [f"  smallest difference these questions can show: {detectable:.3f}"]
    return "\n".join([title, *rows, *tail])


def _word(pair: Mapping[str, Any], margin: float) -> str:
    if proven(pair, margin):
        return "better"
    return "worse" if proven(flipped(pair), margin) else "not proven"


def _verdict(report: Mapping[str, Any], width: int) -> str:
    verdict = report["verdict"]
    does = "ship" if verdict["decided"] else "keep"
    text = f"verdict: {does} {verdict['ship']}. {verdict['why'][:1].upper()}{verdict['why'][1:]}."
    return textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False)


def _marked(rung: str, report: Mapping[str, Any]) -> str:
    return f"{'>' if rung == report['verdict']['ship'] else ' '} {rung}"


def _interval(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _column(head: str, cells: Sequence[str], *, left: bool = False) -> list[str]:
    width = max(map(len, [head, *cells]))
    head = f"  {head}" if left and head else head
    return [text.ljust(width) if left else text.rjust(width) for text in [head, *cells]]


def _width(table: Sequence[Sequence[str]]) -> int:
    return sum(len(column[0]) for column in table) + len(GAP) * (len(table) - 1)
