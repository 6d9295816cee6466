from __future__ import annotations

import json
from typing import Any

Desk = Any
ROWS = [
    {"id": "dogs", "text": "Dogs travel free on deck.", "line": "red", "since": "2026-01-01"},
    {"id": "more-dogs", "text": "Dogs in cabins pay on deck.", "line": "green"},
]


def write(desk: Desk, *rows: dict[str, str]) -> None:
    (desk.project.root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    desk.knowledge["sources"] = [{"kind": "jsonl", "path": "rows.jsonl"}]


def test_documents_are_searched_by_what_their_source_says_of_them(desk: Desk) -> None:
    write(desk, *ROWS)
    desk.refresh()
    assert sorted(desk.found()) == ["dogs", "more-dogs"]
    desk.knowledge["retriever"] = {"kind": "hybrid", "where": {"line": "red"}}
    assert desk.found() == ["dogs"]


def test_changed_metadata_is_taken_up_without_embedding_anything(desk: Desk) -> None:
    write(desk, *ROWS)
    desk.refresh()
    write(desk, ROWS[0], {**ROWS[1], "line": "red"})
    assert desk.refresh().embedded == 0
    desk.knowledge["retriever"] = {"kind": "hybrid", "where": {"line": "red"}}
    assert sorted(desk.found()) == ["dogs", "more-dogs"]
