from __future__ import annotations

import json

import pytest

from loresmith.cli.main import run


def test_ls_shows_state_distribution_version_and_what_is_provided(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "ls", "--json", "--no-plugin", "metrics"]) == 0
    plugins = {p["name"]: p for p in json.loads(capsys.readouterr().out)["plugins"]}
    assert plugins["sources"]["state"] == "loaded"
    assert plugins["sources"]["distribution"] == "loresmith"
    assert plugins["sources"]["version"]
    assert plugins["sources"]["error"] == ""
    assert plugins["sources"]["provides"] == {"sources": ["files", "jsonl"]}
    assert plugins["metrics"]["state"] == "disabled"
    assert plugins["metrics"]["provides"] == {}
    assert plugins["citations"]["provides"] == {}
    assert plugins["citations"]["hooks"] == ["check_answer"]
    assert plugins["sources"]["hooks"] == []


def test_ls_for_people_has_a_line_a_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["plugin", "state", "distribution", "version", "provides"]
    assert any(line.startswith("sources ") and "sources: files, jsonl" in line for line in lines)
    assert any(line.startswith("citations ") and "hooks: check_answer" in line for line in lines)


def test_show_lists_options_with_help_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "show", "sft", "--json"]) == 0
    part = json.loads(capsys.readouterr().out)["parts"][0]
    assert (part["kind"], part["name"]) == ("methods", "sft")
    rank = part["options"]["rank"]
    assert rank["help"]
    assert rank["required"] is False
    assert rank["default"] == 8
    assert run(["plugins", "show", "sft"]) == 0
    assert "rank: " in capsys.readouterr().out


def test_show_of_an_unknown_plugin_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "show", "nope"]) == 2
    error = capsys.readouterr().err
    assert 'no plugin named "nope"' in error
    assert "sources" in error
