"""One build from start to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_line import CommandLine, Ended, run_installed
from loresmith.files import read_json, read_jsonl
from loresmith.rungs import RUNGS
from small_project import edit_recipe

ROW = {
    "id", "stratum", "question", "gold", "answer", "citations", "refused", "scores",
    "tokens_in", "tokens_out", "seconds",
}  # fmt: skip
PAIR = {"a", "b", "metric", "delta", "low", "high", "p", "p_holm"}


def test_a_build_prints_one_json_object_and_nothing_else_on_stdout(built: tuple[Path, Ended]) -> None:
    _, ended = built
    assert ended.code == 0, ended.err
    assert ended.out.count("\n") == 1
    assert {"run", "report", "rungs", "pairs", "minimum_detectable", "verdict", "receipts"} <= ended.json.keys()
    assert "Warning" not in ended.err
    assert "Traceback" not in ended.err


def test_the_installed_command_does_it_in_a_process_of_its_own(rebuilt: Path, built: tuple[Path, Ended]) -> None:
    ended = run_installed("build", "--json", "--project", rebuilt)
    assert ended.code == 0, ended.err
    assert ended.json["pairs"] == built[1].json["pairs"]
    refused = run_installed("build", "--project", rebuilt / "docs")
    assert refused.code == 2
    assert "no assistant.yaml in" in refused.err


def test_every_rung_is_measured_with_intervals_and_costs(built: tuple[Path, Ended]) -> None:
    report = built[1].json
    assert list(report["rungs"]) == list(RUNGS)
    for figures in report["rungs"].values():
        assert figures.keys() == {"n", "metrics", "tokens_in", "tokens_out", "seconds"}
        assert figures["n"] > 0
        assert figures["tokens_in"] > 0
        assert all(metric.keys() == {"mean", "low", "high"} for metric in figures["metrics"].values())
    assert {"token_f1", "exact_match", "declines"} <= report["rungs"]["hybrid"]["metrics"].keys()
    assert all(pair.keys() == PAIR for pair in report["pairs"])
    assert len([pair for pair in report["pairs"] if pair["metric"] == "token_f1"]) == 10
    assert report["minimum_detectable"].keys() <= report["rungs"]["prompt"]["metrics"].keys()
    assert report["strata"].keys() == {"answerable", "unanswerable"}


def test_the_receipts_say_what_was_trained_and_that_nothing_leaks(built: tuple[Path, Ended]) -> None:
    receipts = built[1].json["receipts"]
    assert receipts["mask"]["trained_tokens"] > 0
    assert receipts["mask"]["masked_tokens"] > receipts["mask"]["trained_tokens"]
    assert receipts["mask"]["eos_trained"] is True
    assert "samples" not in receipts["mask"]
    assert receipts["leak"] == {"exact": 0, "near": 0}


def test_a_build_leaves_every_file_of_the_layout(built: tuple[Path, Ended]) -> None:
    project, ended = built
    run = project / ".loresmith" / "runs" / ended.json["run"]
    files = [
        "recipe.yaml",
        "manifest.json",
        "events.jsonl",
        "report.json",
        "report.html",
        "adapter/adapter_config.json",
    ]
    files += ["receipts/mask.json", "receipts/leak.json", *(f"answers/{rung}.jsonl" for rung in RUNGS)]
    assert [name for name in files if not (run / name).is_file()] == []
    assert (run / "checkpoints").is_dir()
    assert (project / ".loresmith" / "index" / "manifest.json").is_file()
    assert Path(ended.json["report"]) == run / "report.html"
    assert "<html" in (run / "report.html").read_text(encoding="utf-8")
    assert read_json(run / "report.json") == ended.json
    assert read_json(run / "manifest.json")["state"] == "done"
    assert read_json(run / "manifest.json")["hashes"].keys() == {"recipe", "base", "examples", "split", "index"}
    assert leftovers(project) == []


def test_the_verdicts_rung_is_promoted(built: tuple[Path, Ended]) -> None:
    project, ended = built
    artefact = read_json(project / ".loresmith" / "artefact.json")
    assert (artefact["run"], artefact["rung"]) == (ended.json["run"], ended.json["verdict"]["ship"])
    assert ended.json["verdict"].keys() == {"ship", "decided", "why"}


def test_every_rung_answers_the_held_out_questions_in_one_order(built: tuple[Path, Ended]) -> None:
    project, ended = built
    split = read_json(project / ".loresmith" / "split.json")["examples"]
    held_out = {id_ for id_, entry in split.items() if entry["side"] == "test"}
    by_rung = {rung: answers(project, ended.json["run"], rung) for rung in RUNGS}
    for rows in by_rung.values():
        assert [row["id"] for row in rows] == [row["id"] for row in by_rung["prompt"]]
        assert {row["id"] for row in rows} == held_out
        assert all(row.keys() == ROW for row in rows)
        assert all(row["tokens_out"] <= 12 for row in rows)
    assert {row["stratum"] for row in by_rung["rag"]} == {"answerable", "unanswerable"}


def test_rungs_with_other_parts_give_other_answers(built: tuple[Path, Ended]) -> None:
    project, ended = built
    said = {rung: tuple(row["answer"] for row in answers(project, ended.json["run"], rung)) for rung in RUNGS}
    assert len(set(said.values())) == len(RUNGS)


def test_a_recipe_that_trains_nothing_measures_the_rungs_without_adapter(
    fresh: Path, build: Callable[..., Ended], command_line: CommandLine
) -> None:
    edit_recipe(fresh, {"training": []})
    ended = build(fresh)
    assert ended.code == 0, ended.err
    assert list(ended.json["rungs"]) == ["prompt", "few-shot", "rag"]
    assert "mask" not in ended.json["receipts"]
    refused = command_line.run("eval", "--rungs", "tuned", "--project", fresh)
    assert refused.code == 2
    assert "tuned cannot be measured: the recipe trains nothing" in refused.err
    refused = command_line.run("train", "--project", fresh)
    assert refused.code == 2
    assert "trains nothing" in refused.err


def test_a_build_without_json_prints_the_ladder_and_where_the_report_is(
    rebuilt: Path, command_line: CommandLine
) -> None:
    ended = command_line.run("build", "--project", rebuilt)
    assert ended.code == 0, ended.err
    assert all(rung in ended.out for rung in RUNGS)
    assert "report.html" in ended.out


def answers(project: Path, run: str, rung: str) -> list[dict[str, Any]]:
    return read_jsonl(project / ".loresmith" / "runs" / run / "answers" / f"{rung}.jsonl")


def leftovers(project: Path) -> list[str]:
    """Return the temporary files that a build should have taken away."""
    state = project / ".loresmith"
    return [
        path.relative_to(state).as_posix()
        for path in state.rglob(".*")
        if path.name.endswith((".tmp", ".old", ".part"))
    ]
