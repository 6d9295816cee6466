"""A policy learns what is rewarded, stays what it was beside its adapter, and is stopped when it cheats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from loresmith.errors import Interrupted, TrainError
from loresmith.files import folder_hash
from loresmith.values import Preference
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.objective import advantages, token_rewards, value_loss, whitened
from loresmith_plugins.methods.rlhf.policy import Policy
from loresmith_plugins.methods.rlhf.ppo import Ppo
from loresmith_plugins.methods.rlhf.watch import Watch, pair_rows
from loresmith_plugins.training.checkpoints import Checkpoints
from loresmith_plugins.training.sampled_prompts import prompts_of
from tiny_models import write_chat_model
from tiny_policy import QUICK, PolicyStage
from tiny_stage import EXAMPLES, INSTRUCTIONS, Stage, adapter_weights, plain_model, same_weights

ALGORITHMS = ["ppo", "rloo", "grpo"]
FEW = EXAMPLES[:4]


@pytest.fixture(scope="module")
def brief(chat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter whose replies are short, and end."""
    folder = tmp_path_factory.mktemp("brief")
    adapter = Stage(chat_model, folder, train=EXAMPLES[:2], options={"epochs": 25, "rank": 8}).run().adapter
    assert adapter is not None
    return adapter


# ------------------------------------------------------------------------------------------------------- learning


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_reward_rises_towards_its_optimum_and_only_the_adapter_changes(
    chat_model: Path, tmp_path: Path, algorithm: str
) -> None:
    files = folder_hash(chat_model)
    options = {"algorithm": algorithm, "epochs": 2, "samples": 8, "passes": 2, "looked_at": 4}
    stage = PolicyStage(chat_model, tmp_path, train=FEW * 3, dev=FEW, options=options)
    result = stage.run()
    assert stage.figures("reward")[0] < 0.2
    assert sum(stage.figures("reward")[-2:]) / 2 > 0.3
    assert result.details["reward"] > result.details["start"]["reward"] + 0.05
    assert result.dev_loss == -result.details["reward"] == stage.looks()[-1]["loss"] or result.best_step < result.steps

    assert result.adapter is not None
    assert all(".lora_A." in name or ".lora_B." in name for name in adapter_weights(result.adapter))
    assert folder_hash(chat_model) == files
    assert result.details["parity"]["prompts_equal"] == result.details["parity"]["prompts"] == 4
    assert result.details["parity"]["next_tokens_equal"] == result.details["parity"]["next_tokens"]


def test_the_base_weights_in_memory_stay_bit_equal(chat_model: Path, tmp_path: Path) -> None:
    ppo = _ppo(PolicyStage(chat_model, tmp_path, train=FEW, dev=FEW[:2]))
    before = {name: weight.clone() for name, weight in ppo.policy.model.named_parameters() if ".lora_" not in name}
    ppo.run()
    now = dict(ppo.policy.model.named_parameters())
    assert all(torch.equal(now[name], weight) for name, weight in before.items())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_reference_is_the_model_as_the_stage_found_it(
    chat_model: Path, tmp_path: Path, adapters: tuple[Path, Path], algorithm: str
) -> None:
    stage = PolicyStage(
        chat_model, tmp_path, train=FEW, dev=FEW[:2], adapter=adapters[0], options={"algorithm": algorithm}
    )
    result = stage.run()
    assert stage.figures("kl")[0] == pytest.approx(0.0, abs=1e-4)
    assert stage.figures("kl")[-1] != 0.0
    assert stage.looks()[0]["kl"] == pytest.approx(0.0, abs=1e-4)
    assert stage.looks()[-1]["kl"] > 0.1
    assert result.adapter is not None
    assert adapter_weights(result.adapter).keys() == adapter_weights(adapters[0]).keys()
    assert not [path.name for path in result.adapter.iterdir() if path.is_dir()]


def test_ppo_learns_from_the_numbers_of_the_plain_models(
    chat_model: Path, tmp_path: Path, adapters: tuple[Path, Path]
) -> None:
    ppo = _ppo(PolicyStage(chat_model, tmp_path, train=FEW, adapter=adapters[0], options={"temperature": 0.7}))
    with torch.no_grad():
        for name, weight in ppo.policy.weights.items():
            weight += 0.05 if ".lora_B." in name else 0.0
        ppo.value.weight += 0.1
    ppo.distance.beta = 0.5
    rollout = ppo.rollout(ppo.prompts[:2])
    plain = plain_model(chat_model, adapters[0])
    for row, reply in enumerate(rollout.replies):
        start, count = len(reply.prompt.ids), len(reply.ids)
        with torch.no_grad():
            logits = plain(input_ids=torch.tensor([reply.row.ids])).logits[0, start - 1 : start - 1 + count] / 0.7
        wanted = logits.log_softmax(-1)[range(count), list(reply.ids)]
        assert torch.allclose(rollout.log_ref[row, :count], wanted, atol=1e-4)
        assert rollout.mask[row].tolist() == [True] * count + [False] * (rollout.mask.shape[1] - count)
    assert not torch.allclose(rollout.log_ref, rollout.log_p, atol=1e-2)

    rewards = token_rewards(rollout.scores, rollout.log_p, rollout.log_ref, rollout.mask, 0.5)
    gains, returns = advantages(rewards, rollout.values, rollout.mask, 1.0, 0.95)
    # Before the first update all ratios are 1, so the policy's loss is the mean advantage: 0 when whitened.
    expected = -whitened(gains, rollout.mask)[rollout.mask].mean()
    expected = expected + 0.1 * value_loss(rollout.values, rollout.values, returns, rollout.mask, 0.2)
    figures = ppo.learn(rollout)
    assert figures["loss"] == pytest.approx(expected.item(), abs=1e-5)
    assert figures["clipped"] == 0.0


def test_a_step_computed_in_parts_is_the_step_computed_at_once(chat_model: Path, tmp_path: Path) -> None:
    found = []
    for name, split in (("whole", {"batch": 4}), ("parts", {"batch": 2, "accumulation": 2})):
        stage = PolicyStage(chat_model, tmp_path / name, train=FEW, dev=FEW[:2])
        stage.options = {"algorithm": "ppo", "epochs": 1, **split}
        stage.run()
        found.append(stage.losses())
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_the_end_of_turn_belongs_to_a_reply_that_came_to_one(chat_model: Path, tmp_path: Path, brief: Path) -> None:
    stage = PolicyStage(chat_model, tmp_path, adapter=brief, options={"reply_tokens": 20})
    policy = Policy(RlhfOptions.model_validate(QUICK | stage.options), stage.context())
    prompts = prompts_of(EXAMPLES[:2], INSTRUCTIONS, policy.chat, 400)
    replies = policy.draw([prompts[0]] * 6, seed=1)
    assert "At nine." in {reply.text for reply in replies}
    ended = next(reply for reply in replies if reply.text == "At nine.")
    assert policy.chat.tokenizer.decode(ended.ids) == "At nine.<|im_end|>"
    assert ended.row.trained_tokens == len("At nine.") + 1
    assert [reply.ids for reply in policy.draw([prompts[0]] * 6, seed=1)] == [reply.ids for reply in replies]


def test_the_weight_of_the_distance_is_shown_and_adapts_to_its_target(chat_model: Path, tmp_path: Path) -> None:
    for algorithm in ("ppo", "rloo"):
        options = {"algorithm": algorithm, "kl_target": 0.01, "epochs": 3}
        stage = PolicyStage(chat_model, tmp_path / algorithm, train=FEW, dev=FEW[:2], options=options)
        stage.run()
        # Nothing is apart before the first update, and far too much is after it.
        assert stage.figures("kl_weight") == pytest.approx([0.0098, 0.0098 * 1.02, 0.0098 * 1.02**2])


# ------------------------------------------------------------------------------------------------- reward hacking


@pytest.mark.parametrize("algorithm", ["ppo", "grpo"])
def test_a_policy_that_cheats_is_stopped_and_its_last_good_checkpoint_kept(
    chat_model: Path, tmp_path: Path, brief: Path, algorithm: str
) -> None:
    options = {
        "algorithm": algorithm, "reward": "longer", "reply_tokens": 40, "epochs": 30, "batch": 2, "samples": 8,
        "passes": 2, "length_limit": 1.5, "patience": 2, "evaluations": 1, "kl": 0.0,
    }  # fmt: skip
    stage = PolicyStage(
        chat_model, tmp_path, train=EXAMPLES[:2], dev=EXAMPLES[:2], adapter=brief, options=options,
        others={"held_out": _pairs()},
    )  # fmt: skip
    result = stage.run()
    looks = stage.looks()
    assert result.stopped_early
    assert result.steps < max(event["steps"] for event in stage.steps())
    assert looks[-1]["reward"] > result.details["reward"]
    assert looks[-1]["reply_tokens"] > 1.5 * looks[0]["reply_tokens"]
    assert any("replies grew from" in sign for sign in looks[-1]["signs"])
    assert [bool(look["signs"]) for look in looks[-2:]] == [True, True]
    (told,) = [event for event in stage.events if event["event"] == "reward hacking"]
    assert told["kept"] == result.best_step == looks[-1]["best"]
    assert told["step"] == result.steps > result.best_step

    kept = next(look for look in looks if look["step"] == result.best_step)
    assert not kept["signs"]
    again = PolicyStage(chat_model, tmp_path / "again", train=EXAMPLES[:2], dev=EXAMPLES[:2], adapter=result.adapter)
    again.options = options | {"epochs": 1, "learning_rate": 1e-9, "batch": 2}
    again.run()
    assert again.looks()[0]["reward"] == pytest.approx(kept["reward"])
    assert again.looks()[0]["reply_tokens"] == pytest.approx(kept["reply_tokens"])


def test_the_held_out_pairs_are_ranked_by_the_likelihood_of_their_replies(
    chat_model: Path, tmp_path: Path, brief: Path
) -> None:
    stage = PolicyStage(
        chat_model, tmp_path, adapter=brief, options={"epochs": 0.5, "algorithm": "ppo", "looked_at": 4}
    )
    stage.others = {"held_out": _pairs()}
    stage.run()
    # It was taught the first reply of each, so it ranks all but the one that is the wrong way round.
    assert stage.looks()[0]["pair_accuracy"] == pytest.approx(2 / 3)


def test_nothing_better_than_the_start_leaves_the_start(chat_model: Path, tmp_path: Path, brief: Path) -> None:
    options = {"algorithm": "ppo", "epochs": 2, "kl_limit": 1e-6, "patience": 100}
    result = PolicyStage(chat_model, tmp_path, dev=FEW, adapter=brief, options=options).run()
    assert result.best_step == 0
    assert result.adapter is not None
    assert same_weights(result.adapter, brief)


# ------------------------------------------------------------------------------------------- stopping and going on


@pytest.mark.parametrize(("algorithm", "passes", "stop_after"), [("ppo", 2, 3), ("rloo", 1, 2), ("grpo", 2, 2)])
def test_an_interrupted_stage_goes_on_to_the_very_weights_of_an_unbroken_one(
    chat_model: Path, tmp_path: Path, algorithm: str, passes: int, stop_after: int
) -> None:
    options = {"algorithm": algorithm, "passes": passes, "kl_target": 1.0, "epochs": 2, "kl": 0.1}
    whole = PolicyStage(chat_model, tmp_path / "whole", dev=FEW[:2], options=options)
    unbroken = whole.run()
    broken = PolicyStage(chat_model, tmp_path / "broken", dev=FEW[:2], options=options, stop_after=stop_after)
    with pytest.raises(Interrupted, match=f"stopped at step {stop_after}"):
        broken.run()
    resumed = PolicyStage(chat_model, tmp_path / "broken", dev=FEW[:2], options=options, resume=True)
    result = resumed.run()
    assert resumed.steps()[0]["step"] == stop_after + 1
    for name in ("loss", "reward", "kl", "kl_weight", "tokens"):
        assert broken.figures(name) + resumed.figures(name) == pytest.approx(whole.figures(name), abs=1e-6), name
    assert (result.best_step, result.dev_loss) == (unbroken.best_step, unbroken.dev_loss)
    assert unbroken.adapter is not None
    assert result.adapter is not None
    assert same_weights(unbroken.adapter, result.adapter)


@pytest.mark.parametrize("algorithm", ["ppo", "rloo"])
def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(
    chat_model: Path, tmp_path: Path, algorithm: str
) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        stage = PolicyStage(chat_model, tmp_path / name, seed=seed, train=FEW, dev=FEW[:2])
        stage.options = {"algorithm": algorithm, "epochs": 1}
        adapter = stage.run().adapter
        assert adapter is not None
        found.append(folder_hash(adapter))
    assert found[0] == found[1] != found[2]


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_a_reward_that_is_not_finite_names_the_example(chat_model: Path, tmp_path: Path) -> None:
    stage = PolicyStage(chat_model, tmp_path, options={"reward": "endless", "algorithm": "ppo"})
    with pytest.raises(TrainError, match=r'the reward "endless" is inf for a reply to .data.jsonl:1'):
        stage.run()


def test_a_loss_that_is_not_finite_names_the_step_and_the_examples(chat_model: Path, tmp_path: Path) -> None:
    ppo = _ppo(PolicyStage(chat_model, tmp_path))
    with torch.no_grad():
        ppo.value.bias += float("nan")
    with pytest.raises(TrainError, match=r"the loss is nan at step 1, .* on: data.jsonl:1, data.jsonl:2") as stopped:
        ppo.learn(ppo.rollout(ppo.prompts[:2]))
    assert "learning_rate" in stopped.value.hint
    assert all(torch.isfinite(weight).all() for weight in ppo.policy.weights.values())


def test_a_base_that_computes_nan_is_told_before_the_first_step(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = write_chat_model(tmp_path / "base")
    weights = load_file(base / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainError, match="not finite"):
        PolicyStage(base, tmp_path / "stage", options={"algorithm": "ppo"}).run()


def test_a_reward_that_applies_to_nothing_is_told_before_the_first_step(chat_model: Path, tmp_path: Path) -> None:
    stage = PolicyStage(chat_model, tmp_path, options={"reward": "inapplicable", "algorithm": "ppo"})
    with pytest.raises(TrainError, match="applies to none of 2 replies to dev prompts"):
        stage.run()
    assert not stage.events


def test_what_weakens_the_watch_is_said_before_the_first_step(chat_model: Path, tmp_path: Path) -> None:
    warned = PolicyStage(chat_model, tmp_path, dev=(), options={"kl": 0.0}).trainer().receipt().warnings
    assert [warning.split(":")[0] for warning in warned] == [
        "no pair of preferences is held out",
        "there are no dev examples",
        "nothing holds the policy near its start",
    ]
    well = PolicyStage(chat_model, tmp_path, others={"held_out": _pairs()}).trainer().receipt()
    assert well.warnings == ()
    assert well.trained_tokens == sum(len(one.reply) + 1 for one in EXAMPLES)


def _pairs() -> tuple[Preference, ...]:
    nine, six = EXAMPLES[0].prompt, EXAMPLES[1].prompt
    return (
        Preference("1", nine, chosen="At nine.", rejected="At nine, and how glad we are that you ask!"),
        Preference("2", six, chosen="At six.", rejected="Whenever we feel like it, dear guest."),
        Preference("3", six, chosen="Never, never, never!", rejected="At six."),
        Preference("4", six, reply="At six.", liked=True),
    )


def _ppo(stage: PolicyStage) -> Any:
    stage.options = {"algorithm": "ppo", **stage.options}
    trainer = stage.trainer()
    torch.manual_seed(1)
    policy = Policy(trainer.options, trainer.context)
    checkpoints = Checkpoints(stage.folder, "this one")
    pairs = pair_rows((), INSTRUCTIONS, policy.chat, 512, 4)
    watch = Watch(policy, trainer.rewards, trainer.looked_at, pairs, trainer.context, checkpoints)
    return Ppo(policy, trainer.rewards, trainer.prompts, trainer.steps, watch, trainer.context, checkpoints)
