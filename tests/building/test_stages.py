"""Stages chain, and each says which rungs use the weights as it leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from command_line import Ended
from loresmith.files import folder_hash, read_json
from small_project import TRAINING, edit_recipe

Build = Callable[..., Ended]


def test_each_stage_leaves_its_rungs_an_adapter_of_their_own(fresh: Path, build: Build) -> None:
    first = {**TRAINING, "rungs": ["tuned"], "passages": 0}
    edit_recipe(fresh, {"training": [first, {**TRAINING, "rungs": ["hybrid"]}]})
    ended = build(fresh)
    assert ended.code == 0, ended.err
    run = fresh / ".loresmith" / "runs" / ended.json["run"]
    assert sorted(path.name for path in (run / "adapter").iterdir()) == ["hybrid", "tuned"]
    assert folder_hash(run / "adapter" / "tuned") == folder_hash(run / "checkpoints" / "0-sft" / "adapter")
    assert folder_hash(run / "adapter" / "hybrid") == folder_hash(run / "checkpoints" / "1-sft" / "adapter")
    assert sorted(path.stem for path in (run / "receipts").iterdir()) == [
        "gains", "leak", "mask", "mask-0", "parity", "parity-0",
    ]  # fmt: skip
    assert (
        read_json(run / "receipts" / "mask-0.json")["examples"] < read_json(run / "receipts" / "mask.json")["examples"]
    )
    assert list(ended.json["rungs"]) == ["prompt", "few-shot", "rag", "tuned", "hybrid"]


def test_with_several_stages_each_says_what_it_gained_on_the_dev_split(fresh: Path, build: Build) -> None:
    pairs = [{"prompt": f"{word}?", "chosen": "Yes.", "rejected": f"{word}! {word}!"} for word in map(str, range(30))]
    (fresh / "data" / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    preferences = [{"kind": "jsonl", "path": "data/pairs.jsonl"}]
    edit_recipe(fresh, {"training": [{**TRAINING, "passages": 0}, TRAINING], "data.preferences": preferences})
    ended = build(fresh)
    assert ended.code == 0, ended.err
    said = [line for line in ended.err.splitlines() if line.startswith("gain of sft")]
    run = fresh / ".loresmith" / "runs" / ended.json["run"]
    gains = list(read_json(run / "receipts" / "gains.json").values())
    assert [gain["stage"] for gain in gains] == [0, 1]
    assert all(f"{gain['before']:.3f} → {gain['after']:.3f}" in line for gain, line in zip(gains, said, strict=True))
    assert gains[0]["n"] == len([s for s in split_sides(fresh) if s == "dev"])
    # The short replies that were chosen are likelier than the long ones to any model, and some of them are held out.
    assert all(gain["pairs"]["n"] >= 1 for gain in gains)
    assert gains[1]["pairs"]["before"] == gains[0]["pairs"]["after"]
    assert all(f"{gain['pairs']['after']['mean']:.3f} [" in line for gain, line in zip(gains, said, strict=True))
    # What a stage started from is what the one before it left.
    assert gains[1]["before"] == gains[0]["after"]


def test_gains_are_not_measured_where_the_recipe_says_so_or_there_is_one_stage(fresh: Path, build: Build) -> None:
    edit_recipe(fresh, {"evaluation.rungs": ["tuned"]})
    assert "gain of" not in build(fresh).err
    edit_recipe(fresh, {"training": [TRAINING, TRAINING], "evaluation.stage_gains": False})
    assert "gain of" not in build(fresh).err


def split_sides(project: Path) -> list[str]:
    kept = read_json(project / ".loresmith" / "split.json")
    return [entry["side"] for entry in kept["examples"].values()]
