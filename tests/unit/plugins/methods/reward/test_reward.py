"""A reward model tells pairs apart, can be loaded again, and scores answers as a metric."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import Interrupted, ModelError
from loresmith.files import folder_hash
from loresmith.specs import ScoredAnswer
from loresmith_plugins.methods.reward import RewardMetricOptions, RewardOptions
from tiny_preferences import PAIRS, SPECS, on_preferences
from tiny_stage import INSTRUCTIONS, example


def conversation(one: Any, reply: str) -> list[Any]:
    return [{"role": "system", "content": INSTRUCTIONS}, *one.prompt, {"role": "assistant", "content": reply}]


@pytest.fixture(scope="module")
def learnt(chat_model: Path, adapters: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A reward stage that started from an adapter, its result, and the hashes of base and adapter before."""
    before = folder_hash(chat_model), folder_hash(adapters[0])
    folder = tmp_path_factory.mktemp("reward")
    stage = on_preferences("reward", chat_model, folder, adapter=adapters[0], options={"epochs": 15})
    return stage, stage.run(), before


def test_pairs_that_can_be_memorised_are_all_told_apart(learnt: Any) -> None:
    stage, result, _ = learnt
    assert stage.losses()[-1] < 0.2 < stage.losses()[0]
    after = result.details["held_out"]["after"]
    assert after["accuracy"]["mean"] == 1.0
    assert after["accuracy"]["low"] < 0.7  # eight pairs prove little
    assert after["margin"]["low"] > 0


def test_the_chain_goes_on_as_before(learnt: Any, chat_model: Path, adapters: tuple[Path, Path]) -> None:
    _, result, before = learnt
    assert (result.adapter, result.model) == (None, None)
    assert (folder_hash(chat_model), folder_hash(adapters[0])) == before


def test_a_reward_model_loaded_again_scores_as_it_did(learnt: Any) -> None:
    from loresmith_plugins.methods.reward.model import load_reward

    stage, result, _ = learnt
    model = load_reward(stage.folder / "reward")
    chosen = model.score([conversation(one, one.chosen) for one in PAIRS])
    rejected = model.score([conversation(one, one.rejected) for one in PAIRS])
    margins = [a - b for a, b in zip(chosen, rejected, strict=True)]
    after = result.details["held_out"]["after"]["margin"]["mean"]
    assert sum(margins) / len(margins) == pytest.approx(after, rel=1e-5)
    (alone,) = model.score([conversation(PAIRS[4], PAIRS[4].chosen)])
    assert alone == pytest.approx(chosen[4], rel=1e-4)
    assert model.instructions == INSTRUCTIONS


def test_nothing_in_the_folder_needs_pickle(learnt: Any) -> None:
    names = {path.name for path in (learnt[0].folder / "reward").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "reward.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]


def test_the_metric_is_the_score_between_0_and_1(learnt: Any) -> None:
    from loresmith_plugins.methods.reward.model import load_reward

    folder = learnt[0].folder / "reward"
    metric = SPECS["metric reward"].build(RewardMetricOptions(path=str(folder)))
    one = PAIRS[0]
    (raw,) = load_reward(folder).score([conversation(one, one.chosen)])
    asked = example(one.prompt[0]["content"], "whatever is wanted")
    assert metric.score(ScoredAnswer(asked, one.chosen, (), refused=False)) == pytest.approx(1 / (1 + math.exp(-raw)))
    assert metric.score(ScoredAnswer(asked, one.chosen, (), refused=False)) > metric.score(
        ScoredAnswer(asked, one.rejected, (), refused=False)
    )


def test_a_folder_without_a_reward_model_is_refused_by_name(tmp_path: Path) -> None:
    from loresmith_plugins.methods.reward.model import load_reward

    with pytest.raises(ModelError, match="there is no reward model in"):
        load_reward(tmp_path)


def test_all_weights_can_be_trained(chat_model: Path, tmp_path: Path) -> None:
    options = {"adapter": "none", "epochs": 4, "learning_rate": 1e-3, "dev": 0.25}
    stage = on_preferences("reward", chat_model, tmp_path, options=options)
    result = stage.run()
    assert stage.losses()[-1] < stage.losses()[0]
    assert stage.dev_losses()
    assert result.details["trainable_parameters"] > 20_000


def test_a_resumed_stage_leaves_what_an_unbroken_one_leaves(chat_model: Path, tmp_path: Path) -> None:
    options = {"epochs": 2, "dev": 0.25}
    for name in ("1", "2"):
        stage = on_preferences("reward", chat_model, tmp_path / name, options=options)
        if name == "2":
            stage.stop_after = 2
            with pytest.raises(Interrupted, match="step 2"):
                stage.run()
            stage = on_preferences("reward", chat_model, tmp_path / name, options=options, resume=True)
        stage.run()
    assert folder_hash(tmp_path / "1" / "reward") == folder_hash(tmp_path / "2" / "reward")


def test_four_bit_is_refused() -> None:
    with pytest.raises(ValueError, match="take lora or none"):
        RewardOptions(adapter="qlora")
