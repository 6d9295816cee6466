"""What training will see, and the frozen split, before anything is trained."""

from __future__ import annotations

from pathlib import Path

from command_line import CommandLine
from loresmith.files import read_json


def test_the_split_is_frozen_and_shown_with_what_is_trained(fresh: Path, command_line: CommandLine) -> None:
    early = command_line.run("data", "preview", "--project", fresh)
    assert early.code == 2
    assert "loresmith data split" in early.err
    split = command_line.run("data", "split", "--json", "--project", fresh).json
    kept = read_json(fresh / ".loresmith" / "split.json")["examples"]
    for side in ("train", "dev", "test"):
        assert split[side] == sum(entry["side"] == side for entry in kept.values())
    assert split["leak"]["exact"] == 0
    again = command_line.run("data", "split", "--json", "--project", fresh).json
    assert again["fingerprint"] == split["fingerprint"]

    unindexed = command_line.run("data", "preview", "--project", fresh)
    assert (unindexed.code, "loresmith index" in unindexed.err) == (1, True), "its stage puts passages into prompts"
    assert command_line.run("index", "--project", fresh).code == 0
    shown = command_line.run("data", "preview", "--json", "--project", fresh).json
    assert (shown["method"], shown["first"], shown["total"]) == ("sft", 0, split["train"])
    trained = ["".join(text for text, is_trained in sample if is_trained) for sample in shown["receipt"]["samples"]]
    assert all(text.rstrip().endswith("<|im_end|>") for text in trained)
    assert not (fresh / ".loresmith" / "runs").exists()

    text = command_line.run("data", "preview", "--first", "6", "--project", fresh)
    assert "{" in text.out
    beyond = command_line.run("data", "preview", "--first", "999", "--project", fresh)
    assert (beyond.code, "there is no example 999" in beyond.err) == (2, True)
