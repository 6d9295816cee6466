"""A student meets its teacher's probabilities on what it writes itself, and only one that speaks the same tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distill_stage import TAUGHT, TERMS, Lesson, distance, heavy_forbidden
from loresmith.errors import GateRefused, Interrupted, ModelRefused
from loresmith.files import folder_hash, read_json, write_json
from loresmith_plugins.methods.distill.vocabulary import require_same_vocabulary
from tiny_models import write_chat_model
from tiny_stage import EXAMPLES, adapter_weights, same_weights


def of(teacher: Path, **more: Any) -> dict[str, Any]:
    return {
        "kind": "logits", "teacher": {"kind": "transformers", "base": str(teacher)}, "reply_tokens": 8,
        "learning_rate": 0.03, **more,
    }  # fmt: skip


def test_the_student_is_nearer_to_its_teacher_on_prompts_it_never_learnt(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    held_out = TAUGHT[6:]
    before = distance(teacher, chat_model, None, held_out)
    frozen = folder_hash(chat_model), folder_hash(teacher)
    lesson = Lesson(chat_model, tmp_path, train=EXAMPLES[:6], dev=EXAMPLES[6:], options=of(teacher, epochs=12, batch=6))
    result = lesson.run()
    assert distance(teacher, chat_model, result.adapter, held_out) < 0.8 * before
    moved = result.details["dev_divergence"]
    assert moved["after"] < 0.9 * moved["before"]
    assert (folder_hash(chat_model), folder_hash(teacher)) == frozen
    learnt = adapter_weights(result.adapter)
    assert result.details["trainable_parameters"] == sum(weight.numel() for weight in learnt.values())
    assert result.details["parity"]["prompts_equal"] == 2


def test_a_student_that_is_its_teacher_has_nothing_to_learn(chat_model: Path, tmp_path: Path) -> None:
    lesson = Lesson(chat_model, tmp_path, options=of(chat_model, epochs=1))
    result = lesson.run()
    assert lesson.losses()[0] == pytest.approx(0.0, abs=1e-5)
    assert result.details["dev_divergence"]["before"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_loss_is_the_divergence_of_the_paper(chat_model: Path, teacher: Path, tmp_path: Path, beta: float) -> None:
    lesson = Lesson(chat_model, tmp_path, train=EXAMPLES[:2], options=of(teacher, epochs=1, beta=beta, batch=2))
    trainer: Any = lesson.trainer()
    seen: list[Any] = []
    make = trainer._trainer

    def watched(*given: Any) -> Any:
        made = make(*given)
        generate = made._generate_and_score_completions
        made._generate_and_score_completions = lambda rows: seen.append(generate(rows)) or seen[-1]
        return made

    trainer._trainer = watched
    trainer.train()
    (batch,) = [found for found in seen if len(found["prompt_ids"]) == 2 and "num_items_in_batch" in found][1:2]
    assert lesson.losses()[0] == pytest.approx(divergence(teacher, chat_model, batch, beta), rel=1e-4)


def divergence(teacher: Path, student: Path, batch: Any, beta: float) -> float:
    """Return the generalised Jensen-Shannon divergence on replies, by the definition."""
    import torch

    from tiny_stage import plain_model

    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    width = batch["completion_ids"].shape[1]
    with torch.no_grad():
        p, q = (
            plain_model(folder, None)(ids, attention_mask=mask).logits[:, -width - 1 : -1].log_softmax(-1)
            for folder in (teacher, student)
        )

    def kl(a: Any, b: Any) -> Any:
        return (a.exp() * (a - b)).sum(-1)

    if beta in (0.0, 1.0):
        found = kl(q, p) if beta else kl(p, q)
    else:
        m = (beta * p.exp() + (1 - beta) * q.exp()).log()
        found = beta * kl(p, m) + (1 - beta) * kl(q, m)
    counted = batch["completion_mask"].bool()
    return float(found[counted].mean())


def test_an_interrupted_student_goes_on_to_the_very_weights_of_an_unbroken_one(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    options = of(teacher, batch=2, accumulation=2, evaluations=2)
    unbroken = Lesson(chat_model, tmp_path / "whole", options=options)
    whole = unbroken.run()
    broken = Lesson(chat_model, tmp_path / "broken", options=options, stop_after=2)
    with pytest.raises(Interrupted, match="stopped at step 2"):
        broken.run()
    resumed = Lesson(chat_model, tmp_path / "broken", options=options, resume=True)
    result = resumed.run()
    assert len(unbroken.steps()) == 4
    assert broken.losses() + resumed.losses() == unbroken.losses()
    assert same_weights(result.adapter, whole.adapter)
    other = Lesson(chat_model, tmp_path / "other", seed=2, options=options).run()
    assert not same_weights(other.adapter, whole.adapter)


def test_it_goes_on_from_the_adapter_of_the_stage_before(
    chat_model: Path, teacher: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    kept = folder_hash(adapters[0])
    bare = Lesson(chat_model, tmp_path / "bare", options=of(teacher, epochs=1)).run()
    on = Lesson(chat_model, tmp_path / "on", adapter=adapters[0], options=of(teacher, epochs=1)).run()
    assert on.details["dev_divergence"]["before"] != pytest.approx(bare.details["dev_divergence"]["before"], rel=1e-3)
    assert folder_hash(adapters[0]) == kept
    assert adapter_weights(on.adapter).keys() == adapter_weights(adapters[0]).keys()


def test_the_receipt_says_what_is_read_and_the_most_that_is_trained(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    receipt = Lesson(chat_model, tmp_path, options=of(teacher, terms="")).trainer().receipt()
    assert (receipt.examples, receipt.trained_tokens) == (8, 8 * 8)
    assert EXAMPLES[0].question in receipt.samples[0][0][0]
    assert "`terms`" in receipt.warnings[0]
    with pytest.raises(GateRefused, match="there is no prompt"):
        Lesson(chat_model, tmp_path, train=(), options=of(teacher)).trainer().receipt()


def test_teacher_and_terms_are_kept(chat_model: Path, teacher: Path, tmp_path: Path) -> None:
    result = Lesson(chat_model, tmp_path, options=of(teacher, epochs=1)).run()
    kept = read_json(tmp_path / "teacher.json")
    assert (kept["terms"], kept["teacher"]["base"]) == (TERMS, str(teacher))
    assert result.details["teacher"] == kept


# ---------------------------------------------------------------------------------------------------- the vocabulary


def edited(teacher: Path, folder: Path, edit: Any) -> Path:
    """Copy the small files of a teacher, its tokenizer changed; there are no weights to load."""
    folder.mkdir()
    tokenizer = read_json(teacher / "tokenizer.json")
    edit(tokenizer)
    write_json(folder / "tokenizer.json", tokenizer)
    (folder / "config.json").write_bytes((teacher / "config.json").read_bytes())
    return folder


def swap(tokenizer: dict[str, Any]) -> None:
    tokens = tokenizer["model"]["vocab"]
    tokens["a"], tokens["b"] = tokens["b"], tokens["a"]


def test_a_teacher_of_another_vocabulary_is_refused_before_anything_loads(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    other = edited(teacher, tmp_path / "other", swap)
    lesson = Lesson(chat_model, tmp_path / "stage", options=of(other))
    with heavy_forbidden(), pytest.raises(ModelRefused) as refused:
        lesson.trainer()
    assert str(other) in refused.value.message
    assert f'"{chat_model.name}"' in refused.value.message
    assert "'a', is id" in refused.value.message
    assert "kind: replies" in refused.value.hint
    assert refused.value.exit_code == 2


def test_added_tokens_count_and_so_does_the_size_of_the_output(chat_model: Path, teacher: Path, tmp_path: Path) -> None:
    added = edited(teacher, tmp_path / "added", lambda t: t["added_tokens"].append({"content": "<tool>", "id": 999}))
    with pytest.raises(ModelRefused, match=r"first that differs, '<tool>', is no token of the student and id 999"):
        require_same_vocabulary(chat_model, added, "added")
    padded = edited(teacher, tmp_path / "padded", lambda _: None)
    write_json(padded / "config.json", read_json(padded / "config.json") | {"vocab_size": 512})
    with pytest.raises(ModelRefused, match="output layer has 311 rows and the teacher's 512"):
        require_same_vocabulary(chat_model, padded, "padded")


def test_other_merges_or_another_template_make_no_other_vocabulary(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    require_same_vocabulary(chat_model, edited(teacher, tmp_path / "o", lambda t: t["model"].update(merges=[])), "o")


def test_a_unigram_vocabulary_is_compared_too(chat_model: Path, teacher: Path, tmp_path: Path) -> None:
    def as_unigram(tokenizer: dict[str, Any]) -> None:
        tokens = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
        tokenizer["model"] = {"type": "Unigram", "vocab": [[token, -1.0] for token, _ in tokens]}

    require_same_vocabulary(chat_model, edited(teacher, tmp_path / "unigram", as_unigram), "unigram")


def test_folders_that_do_not_tell_their_tokens_are_refused(chat_model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text(json.dumps({"vocab_size": 311}), encoding="utf-8")
    (bare / "tokenizer.model").write_bytes(b"pieces")
    with pytest.raises(ModelRefused, match="not hold the same kind of tokenizer files"):
        require_same_vocabulary(chat_model, bare, "bare")
    require_same_vocabulary(bare, bare, "bare")


def test_a_model_with_other_weights_is_a_teacher(chat_model: Path, tmp_path: Path) -> None:
    require_same_vocabulary(chat_model, write_chat_model(tmp_path / "other", tied=False), "other")
