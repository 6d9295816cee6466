"""What a build leaves can be asked, searched and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine
from loresmith.rungs import RUNGS
from small_project import DOCUMENTS


@pytest.fixture
def project(built: Any) -> Path:
    """The built project; reading changes nothing."""
    return Path(built[0])


@pytest.mark.parametrize("rung", [None, "prompt", "hybrid"])
def test_ask_answers_with_the_promoted_rung_or_any_other(
    project: Path, command_line: CommandLine, built: Any, rung: str | None
) -> None:
    options = ["--rung", rung] if rung else []
    ended = command_line.run("ask", "How much is a return?", "--json", "--project", project, *options)
    assert ended.code == 0, ended.err
    assert ended.json.keys() == {"answer", "citations", "refused", "rung", "trace"}
    assert ended.json["rung"] == (rung or built[1].json["verdict"]["ship"])
    assert bool(ended.json["trace"]["retrieved"]) == (rung == "hybrid")


def test_search_gives_hits_best_first(project: Path, command_line: CommandLine) -> None:
    ended = command_line.run("search", "dogs in the saloon", "--json", "--project", project)
    assert ended.code == 0, ended.err
    hits = ended.json["hits"]
    assert len(hits) == 2
    assert hits[0].keys() == {"document", "chunk", "start", "end", "text", "score", "scores"}
    assert hits[0]["score"] >= hits[1]["score"]
    assert hits[0]["document"] == "dogs.md"
    assert (DOCUMENTS["dogs.md"] + "\n")[hits[0]["start"] : hits[0]["end"]] == hits[0]["text"]


def test_the_latest_run_is_shown_with_its_ladder(project: Path, command_line: CommandLine, built: Any) -> None:
    shown = command_line.run("runs", "show", "latest", "--json", "--project", project).json
    assert (shown["id"], shown["state"]) == (built[1].json["run"], "done")
    assert shown["report"]["verdict"] == built[1].json["verdict"]
    text = command_line.run("runs", "show", "latest", "--project", project)
    assert all(rung in text.out for rung in RUNGS)
    [listed] = command_line.run("runs", "ls", "--json", "--project", project).json["runs"]
    assert listed["promoted"] == built[1].json["verdict"]["ship"]
