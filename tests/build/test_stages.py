"""Stages chain, and each says which rungs use the weights as it leaves them."""

from __future__ import annotations

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
        "leak", "mask", "mask-0", "parity", "parity-0",
    ]  # fmt: skip
    assert (
        read_json(run / "receipts" / "mask-0.json")["examples"] < read_json(run / "receipts" / "mask.json")["examples"]
    )
    assert list(ended.json["rungs"]) == ["prompt", "few-shot", "rag", "tuned", "hybrid"]
