"""Reasons are learnt beside the answers, with their weight, and cost the answers nothing where it is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distill_stage import Lesson, distance
from loresmith.errors import GateRefused
from loresmith.files import folder_hash
from scripted_endpoint import ScriptedEndpoint
from tiny_stage import EXAMPLES, Stage, example, plain_loss, plain_model, same_weights

REASONS = [f"The board says: {one.reply.lower()}" for one in EXAMPLES]


def from_file(folder: Path, **more: Any) -> dict[str, Any]:
    rows = [
        {"question": one.question, "answer": one.reply, "rationale": reasons}
        for one, reasons in zip(EXAMPLES, REASONS, strict=True)
    ]
    (folder / "reasons.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return {"kind": "rationales", "rationales": "reasons.jsonl", **more}


def asked_why(questions: Any = EXAMPLES, prefix: str = "Explain step by step:") -> list[Any]:
    return [
        example(f"{prefix}\n{one.question}", reasons)
        for one, reasons in zip(EXAMPLES, REASONS, strict=True)
        if one in questions
    ]


def test_both_tasks_are_learnt_and_the_loss_is_their_sum(chat_model: Path, tmp_path: Path) -> None:
    frozen = folder_hash(chat_model)
    options = from_file(tmp_path, rationale_weight=0.5, epochs=12, batch=8, learning_rate=0.02)
    lesson = Lesson(chat_model, tmp_path / "stage", options=options)
    result = lesson.run()
    assert folder_hash(chat_model) == frozen
    bare, student = (plain_model(chat_model, adapter) for adapter in (None, result.adapter))
    label = plain_loss(bare, chat_model, EXAMPLES).item()
    rationale = plain_loss(bare, chat_model, asked_why()).item()
    first = lesson.steps()[0]
    assert first["label_loss"] == pytest.approx(label, rel=1e-5)
    assert first["rationale_loss"] == pytest.approx(rationale, rel=1e-5)
    assert first["loss"] == pytest.approx(label + 0.5 * rationale, rel=1e-5)
    assert plain_loss(student, chat_model, EXAMPLES).item() < 0.5 * label
    assert plain_loss(student, chat_model, asked_why()).item() < 0.6 * rationale


def test_the_gradient_of_a_step_is_that_of_the_sum(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    import torch

    from loresmith_plugins.methods.distill.two_tasks import TwoTasksTrainer

    options = from_file(tmp_path, rationale_weight=3.0, batch=3, accumulation=3)
    trainer: Any = Lesson(chat_model, tmp_path / "stage", options=options).trainer()
    assert isinstance(trainer._student, TwoTasksTrainer)
    model = plain_model(chat_model, adapters[0], trainable=True)
    objective = trainer._student.objective(model)
    parts = objective.parts(0)
    whole = sum(part.weight for part in parts)
    sum(objective.loss(part) for part in parts).div(whole).backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    (plain_loss(model, chat_model, EXAMPLES) + 3 * plain_loss(model, chat_model, asked_why())).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert torch.allclose(found[name], parameter.grad, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("source", ["file", "teacher"])
def test_a_weight_of_nought_is_training_on_the_answers_alone(chat_model: Path, tmp_path: Path, source: str) -> None:
    options = {"dropout": 0.1, "rationale_weight": 0.0}
    options |= from_file(tmp_path) if source == "file" else {"kind": "rationales", "teacher": {"kind": "transformers"}}
    lesson = Lesson(chat_model, tmp_path / "taught", options=options)
    taught = lesson.run().adapter
    alone = Stage(chat_model, tmp_path / "alone", options={"dropout": 0.1}).run().adapter
    assert taught is not None
    assert alone is not None
    assert same_weights(taught, alone)
    assert lesson.asked == 0


def test_the_same_seed_and_a_resumed_run_give_the_same_weights_and_another_weight_others(
    chat_model: Path, tmp_path: Path
) -> None:
    from loresmith.errors import Interrupted

    options = from_file(tmp_path, dropout=0.1)
    one, two = (Lesson(chat_model, tmp_path / name, options=options).run().adapter for name in "ab")
    other = Lesson(chat_model, tmp_path / "c", options=options | {"rationale_weight": 0.2}).run().adapter
    with pytest.raises(Interrupted):
        Lesson(chat_model, tmp_path / "d", options=options, stop_after=3).run()
    resumed = Lesson(chat_model, tmp_path / "d", options=options, resume=True).run().adapter
    assert same_weights(one, two)
    assert same_weights(one, resumed)
    assert not same_weights(one, other)


def test_a_teacher_is_asked_for_its_reasons_with_the_answer_before_it(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda messages: f"Since {messages[1]['content'][:8].strip()}.") as endpoint:
        teacher = {"kind": "openai", "url": endpoint.url, "model": "scripted", "cache": False}
        options = {"kind": "rationales", "teacher": teacher, "rationale_prompt": "Why?", "asked_at_once": 1}
        trainer = Lesson(chat_model, tmp_path, options=options).trainer()
        receipt, result = trainer.receipt(), trainer.train()
        asked = [request.messages for request in endpoint.requests]
    assert [[m["role"] for m in messages] for messages in asked] == [["system", "user", "assistant", "user"]] * 8
    assert {(m[1]["content"], m[2]["content"]) for m in asked} == {(one.question, one.reply) for one in EXAMPLES}
    assert asked[0][3]["content"].startswith("Explain in a few short sentences")
    assert (receipt.examples, result.details["replies"]["kept"]) == (16, 8)
    shown = ["".join(text for text, _ in sample) for sample in receipt.samples]
    assert any("Why?\n" in text and "Since" in text for text in shown)


def test_the_student_is_nearer_to_a_teacher_whose_reasons_it_learnt(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    options = {
        "kind": "rationales", "teacher": {"kind": "transformers", "base": str(teacher)},
        "rationale_request": "Children?", "epochs": 6, "learning_rate": 0.02,
    }  # fmt: skip
    lesson = Lesson(chat_model, tmp_path, options=options)
    result = lesson.run()
    said = [json.loads(line)["row"] for line in (tmp_path / "replies.jsonl").read_text("utf-8").splitlines()]
    assert len(said) == lesson.asked == 8
    kept = [
        example(f"Explain step by step:\n{one.question}", row["text"])
        for one, row in zip(EXAMPLES, said, strict=True)
        if row["whole"]
    ]
    assert kept
    assert distance(teacher, chat_model, result.adapter, kept) < 0.8 * distance(teacher, chat_model, None, kept)


def test_reasons_known_to_be_wrong_or_of_unknown_questions_are_left_out(chat_model: Path, tmp_path: Path) -> None:
    options = from_file(tmp_path)
    lines = (tmp_path / "reasons.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:3]]
    rows[1]["correct"] = False
    rows[2]["question"] = "A question of the test split?"
    (tmp_path / "reasons.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    receipt = Lesson(chat_model, tmp_path / "stage", options=options).trainer().receipt()
    assert receipt.examples == 8 + 1
    assert receipt.warnings[0] == "reasons for 1 of 8 examples; the others teach their answer alone"
    (tmp_path / "reasons.jsonl").write_text(json.dumps(rows[2]), encoding="utf-8")
    with pytest.raises(GateRefused, match="there is no reason to learn for any of 8 examples"):
        Lesson(chat_model, tmp_path / "none", options=options).trainer().receipt()
