"""A stage on thumbs raises what was liked over what was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import GateRefused, Interrupted
from loresmith_plugins.methods.kto import KtoOptions
from loresmith_plugins.methods.kto.train import in_company
from loresmith_plugins.training.preference_rows import Thumb
from tiny_preferences import PAIRS, THUMBS, on_preferences, thumb
from tiny_stage import same_weights

KTO: dict[str, Any] = {"preferences": THUMBS, "held_out": THUMBS}


def test_liked_replies_rise_over_disliked_ones(chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    stage = on_preferences("kto", chat_model, tmp_path, adapter=adapters[0], **KTO, options={"epochs": 10})
    result = stage.run()
    assert stage.losses()[0] == pytest.approx(0.5, abs=1e-3)  # at its own reference: 1 - σ(0)
    assert stage.losses()[-1] < 0.4
    held_out = result.details["held_out"]
    assert held_out["liked"]["mean"] > held_out["disliked"]["mean"] + 5
    assert held_out["moved_right"]["mean"] > 0.7
    assert stage.steps()[0]["kl"] == pytest.approx(0, abs=1e-3)
    assert result.adapter is not None
    assert result.details["parity"]["next_tokens_equal"] == result.details["parity"]["next_tokens"]


@pytest.mark.parametrize("loss", ["kto", "apo_zero_unpaired"])
def test_a_resumed_stage_leaves_what_an_unbroken_one_leaves(chat_model: Path, tmp_path: Path, loss: str) -> None:
    options = {"epochs": 1, "dev": 0.25, "loss": loss}
    whole = on_preferences("kto", chat_model, tmp_path / "1", **KTO, options=options).run()
    with pytest.raises(Interrupted, match="step 2"):
        on_preferences("kto", chat_model, tmp_path / "2", **KTO, options=options, stop_after=2).run()
    rest = on_preferences("kto", chat_model, tmp_path / "2", **KTO, options=options, resume=True).run()
    assert whole.adapter is not None
    assert rest.adapter is not None
    assert same_weights(whole.adapter, rest.adapter)


def test_pairs_serve_where_no_reply_is_judged_and_the_receipt_says_so(chat_model: Path, tmp_path: Path) -> None:
    found = on_preferences("kto", chat_model, tmp_path).trainer().receipt()
    assert found.examples == 2 * len(PAIRS)
    assert found.trained_tokens == sum(len(p.chosen) + len(p.rejected) + 2 for p in PAIRS)
    assert f"each of {len(PAIRS)} pairs gives a liked and a disliked one" in " ".join(found.warnings)


def test_judged_replies_go_before_pairs(chat_model: Path, tmp_path: Path) -> None:
    found = on_preferences("kto", chat_model, tmp_path, preferences=[*THUMBS, *PAIRS]).trainer().receipt()
    assert found.examples == len(THUMBS)
    assert any("others are judged: pairs.jsonl:1, " in warning for warning in found.warnings)


def test_thumbs_all_up_are_refused_for_there_is_nothing_to_tell_apart(chat_model: Path, tmp_path: Path) -> None:
    up = [thumb("Hi?", "Yes.", True), thumb("Ho?", "No.", True)]
    with pytest.raises(GateRefused, match="2 replies are liked and 0 are not") as refused:
        on_preferences("kto", chat_model, tmp_path, preferences=up).trainer().receipt()
    assert refused.value.exit_code == 3


def test_the_weight_that_balances_both_kinds_is_named(chat_model: Path, tmp_path: Path) -> None:
    many = [thumb(f"Q{n}?", "Yes." if n % 2 else "No.", n % 4 == 0) for n in range(80)]
    stage = on_preferences("kto", chat_model, tmp_path, preferences=many)
    assert any("`liked_weight: 3`" in warning for warning in stage.trainer().receipt().warnings)
    balanced = on_preferences("kto", chat_model, tmp_path, preferences=many, options={"liked_weight": 3})
    assert not any("liked_weight" in warning for warning in balanced.trainer().receipt().warnings)


def test_no_reply_stands_alone_in_a_batch_and_neighbours_answer_other_prompts() -> None:
    rows = [Thumb((n // 2,), (n,) * (n + 1), n % 2 == 0, "") for n in range(9)]
    batches = in_company(rows, 4, seed=1)
    assert sorted(row.reply for batch in batches for row in batch) == sorted(row.reply for row in rows)
    assert all(len(batch) > 1 for batch in batches)
    assert all(batch[i].prompt != batch[i - 1].prompt for batch in batches for i in range(len(batch)))


def test_a_batch_of_one_is_refused_for_there_is_no_drift_to_measure() -> None:
    with pytest.raises(ValueError, match="set batch to 2 or more"):
        KtoOptions(batch=1)
    assert KtoOptions(batch=1, loss="apo_zero_unpaired").batch == 1
