"""A student learns what its teacher replies, each prompt asked once, whatever happens in between."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from distill_stage import TAUGHT, TERMS, Lesson, distance
from loresmith.errors import DataError, GateRefused, Interrupted
from loresmith.files import folder_hash, read_json
from scripted_endpoint import Fault, ScriptedEndpoint
from tiny_stage import EXAMPLES, example, plain_loss, plain_model, same_weights


def replies(**more: Any) -> dict[str, Any]:
    return {"kind": "replies", "teacher": {"kind": "transformers"}, **more}


def of(teacher: Path, **more: Any) -> dict[str, Any]:
    return replies(teacher={"kind": "transformers", "base": str(teacher)}, **more)


def behind(endpoint: ScriptedEndpoint, **more: Any) -> dict[str, Any]:
    engine = {"kind": "openai", "url": endpoint.url, "model": "scripted", "cache": False, "retries": 0}
    return replies(teacher=engine, **more)


def answer(messages: Any) -> str:
    return f"You ask: {messages[-1]['content'][:12].strip()}"


def test_the_student_is_nearer_to_its_teacher_on_prompts_it_never_learnt(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    held_out = TAUGHT[6:]
    before = distance(teacher, chat_model, None, held_out)
    frozen = folder_hash(chat_model), folder_hash(teacher)
    lesson = Lesson(
        chat_model, tmp_path, train=EXAMPLES[:6], dev=EXAMPLES[:2], options=of(teacher, epochs=8, learning_rate=0.02)
    )
    result = lesson.run()
    assert distance(teacher, chat_model, result.adapter, held_out) < 0.7 * before
    learnt = distance(teacher, chat_model, result.adapter, TAUGHT[:6])
    assert learnt < 0.6 * distance(teacher, chat_model, None, TAUGHT[:6])
    assert (folder_hash(chat_model), folder_hash(teacher)) == frozen
    assert lesson.asked == 6


def test_an_endpoint_teaches_and_the_student_says_what_it_said(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        lesson = Lesson(chat_model, tmp_path, dev=EXAMPLES[:2], options=behind(endpoint, epochs=6, learning_rate=0.02))
        result = lesson.run()
        asked = [request.messages for request in endpoint.requests]
    assert len(asked) == len(EXAMPLES)
    assert {messages[0]["content"] for messages in asked} == {lesson.instructions}
    assert {messages[-1]["content"] for messages in asked} == {one.question for one in EXAMPLES}
    said = [json.loads(line)["row"]["text"] for line in (tmp_path / "replies.jsonl").read_text("utf-8").splitlines()]
    assert sorted(said) == sorted(answer([{"content": one.question}]) for one in EXAMPLES)
    assert lesson.losses()[-1] < 0.6 * lesson.losses()[0]
    assert result.details["replies"] == {"said": 10, "kept": 10, "dropped": {}}


def test_a_stage_that_ended_midway_asks_nothing_twice(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer, faults=[]) as endpoint:
        options = behind(endpoint, asked_at_once=3)
        broken = Lesson(chat_model, tmp_path, options=options)
        trainer = broken.trainer()
        endpoint.reply = lambda messages: answer(messages) if len(endpoint.requests) < 5 else Fault(500)
        with pytest.raises(Exception, match="500"):
            trainer.receipt()
        kept = len((tmp_path / "replies.jsonl").read_text("utf-8").splitlines())
        assert kept == 3
        endpoint.reply = answer
        asked = len(endpoint.requests)
        first = Lesson(chat_model, tmp_path, options=options, resume=True).run()
        assert len(endpoint.requests) - asked == len(EXAMPLES) - kept
        unbroken = Lesson(chat_model, tmp_path / "unbroken", options=options).run()
        asked = len(endpoint.requests)
        again = Lesson(chat_model, tmp_path, options=options, resume=True).run()
        assert len(endpoint.requests) == asked
    assert same_weights(first.adapter, unbroken.adapter)
    assert same_weights(first.adapter, again.adapter)


def test_who_wants_to_stop_is_heard_between_the_questions(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        lesson = Lesson(chat_model, tmp_path, options=behind(endpoint, asked_at_once=2))
        context = replace(lesson.context(), stopping=lambda: len(endpoint.requests) >= 4)
        with pytest.raises(Interrupted, match="4 replies"):
            lesson.trainer(context).receipt()
        assert len(endpoint.requests) == 4


def test_an_interrupted_student_goes_on_to_the_very_weights_of_an_unbroken_one(
    chat_model: Path, teacher: Path, tmp_path: Path
) -> None:
    whole = Lesson(chat_model, tmp_path / "whole", options=of(teacher, dropout=0.1)).run()
    broken = Lesson(chat_model, tmp_path / "broken", options=of(teacher, dropout=0.1), stop_after=2)
    with pytest.raises(Interrupted, match="stopped at step 2"):
        broken.run()
    resumed = Lesson(chat_model, tmp_path / "broken", options=of(teacher, dropout=0.1), resume=True)
    assert same_weights(resumed.run().adapter, whole.adapter)
    assert (resumed.asked, resumed.steps()[0]["step"]) == (0, 3)
    other = Lesson(chat_model, tmp_path / "other", seed=2, options=of(teacher, dropout=0.1)).run()
    assert not same_weights(other.adapter, whole.adapter)


def test_a_student_that_teaches_itself_answers_with_the_adapter_it_starts_from(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    keys = []
    for name, adapter in (("bare", None), ("one", adapters[0]), ("two", adapters[1])):
        lesson = Lesson(chat_model, tmp_path / name, adapter=adapter, options=replies(longest=1))
        with pytest.raises(GateRefused):
            lesson.trainer().receipt()
        keys.append({json.loads(line)["key"] for line in (tmp_path / name / "replies.jsonl").read_text().splitlines()})
    assert keys[0].isdisjoint(keys[1] | keys[2])
    assert keys[1].isdisjoint(keys[2])


# --------------------------------------------------------------------------------------------- what is learnt of it


def test_empty_cut_off_refused_and_long_replies_are_dropped_and_counted(chat_model: Path, tmp_path: Path) -> None:
    said = {
        EXAMPLES[0].question: "",
        EXAMPLES[1].question: "I do not know. Ask the desk.",
        EXAMPLES[2].question: "on and " * 30,
    }
    with ScriptedEndpoint(lambda messages: said.get(messages[-1]["content"], "So it is.")) as endpoint:
        lesson = Lesson(chat_model, tmp_path, dev=EXAMPLES[3:5], options=behind(endpoint, longest=80))
        trainer = lesson.trainer()
        warnings = trainer.receipt().warnings
        result = trainer.train()
    told = "3 of the teacher's 10 replies are dropped: 1 empty, 1 refused, 1 longer than 80 tokens"
    assert warnings[0] == told
    assert result.details["replies"]["kept"] == 7
    assert read_json(tmp_path / "teacher.json")["replies"] == result.details["replies"]


def test_a_reply_cut_off_is_no_example_of_how_to_end(chat_model: Path, tmp_path: Path) -> None:
    # The tiny student, untaught, never ends a reply.
    with pytest.raises(GateRefused, match=r"nothing would be learnt .*10 cut off at the teacher's max_tokens"):
        Lesson(chat_model, tmp_path, options=replies()).trainer().receipt()


def test_refusals_are_kept_where_they_are_wanted(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint("I do not know.") as endpoint:
        lesson = Lesson(chat_model, tmp_path, options=behind(endpoint, drop_refusals=False))
        assert lesson.run().details["replies"]["kept"] == 10


def test_a_share_of_the_examples_keeps_its_own_reply_and_is_not_asked_about(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        lesson = Lesson(chat_model, tmp_path, dev=(), options=behind(endpoint, gold=0.25))
        trainer = lesson.trainer()
        shown = ["".join(text for text, _ in sample) for sample in trainer.receipt().samples]
        assert len(endpoint.requests) == 6
    assert read_json(tmp_path / "teacher.json")["own_replies"] == 2
    assert any("You ask" in text for text in shown)


def test_more_prompts_come_from_a_file_but_none_that_the_split_knows(chat_model: Path, tmp_path: Path) -> None:
    rows = [
        {"prompt": "Is there tea?"},
        {"prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
                    {"role": "user", "content": "Coffee?"}]},
        {"prompt": f" {EXAMPLES[0].question} "},
        {"prompt": "What does the ladder ask?"},
    ]  # fmt: skip
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with ScriptedEndpoint(answer) as endpoint:
        lesson = Lesson(chat_model, tmp_path / "stage", options=behind(endpoint, prompts="more.jsonl"))
        context = replace(lesson.context(), also_asked=lambda prompts: ["ladder" in str(prompt) for prompt in prompts])
        receipt = lesson.trainer(context).receipt()
        asked = [request.messages[-1]["content"] for request in endpoint.requests]
    assert asked.count(EXAMPLES[0].question) == 1
    assert {"Is there tea?", "Coffee?"} < set(asked)
    assert receipt.examples == len(EXAMPLES) + 2


def test_a_wrong_row_of_the_prompts_is_named(chat_model: Path, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text('{"prompt": "A?"}\n{"prompt": 3}\n{"promt": "B?"}', encoding="utf-8")
    lesson = Lesson(chat_model, tmp_path / "stage", options=replies(prompts="more.jsonl"))
    with pytest.raises(DataError) as wrong:
        lesson.trainer().receipt()
    assert {problem.line for problem in wrong.value.problems} == {2, 3}
    assert 'Did you mean "prompt"' in str(wrong.value)


def test_the_teacher_may_read_other_instructions_than_the_student(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        options = behind(endpoint, teacher_instructions="Be long.")
        receipt = Lesson(chat_model, tmp_path, options=options).trainer().receipt()
        assert {request.messages[0]["content"] for request in endpoint.requests} == {"Be long."}
    assert "You answer for the ferry" in receipt.samples[0][0][0]


# ------------------------------------------------------------------------------------------------ who the teacher is


def test_teacher_and_terms_are_kept_and_no_key(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_KEY", "sk-secret")
    with ScriptedEndpoint(answer) as endpoint:
        options = behind(endpoint, epochs=1)
        options["teacher"] |= {"key_env": "SCRIPTED_KEY", "extra": {"user": "me"}}
        trainer = Lesson(chat_model, tmp_path, options=options).trainer()
        receipt, result = trainer.receipt(), trainer.train()
        about = {"kind": "openai", "url": endpoint.url, "model": "scripted"}
    kept = read_json(tmp_path / "teacher.json")
    assert kept["terms"] == result.details["terms"] == TERMS
    assert kept["teacher"] == result.details["teacher"] == {**about, "identity": kept["teacher"]["identity"]}
    assert len(kept["teacher"]["identity"]) == 64
    assert not any("terms" in warning for warning in receipt.warnings)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"sk-secret" in path.read_bytes() for path in written)


def test_without_a_word_about_its_terms_there_is_a_warning(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        options = behind(endpoint, terms="  ")
        receipt = Lesson(chat_model, tmp_path, options=options).trainer().receipt()
    assert "teacher's terms allow" in receipt.warnings[0]
    assert "`terms`" in receipt.warnings[0]


def test_what_is_learnt_is_what_sft_learns_of_the_same_replies(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(answer) as endpoint:
        lesson = Lesson(chat_model, tmp_path, options=behind(endpoint, batch=8))
        lesson.run()
    same = [example(one.question, answer([{"content": one.question}])) for one in EXAMPLES]
    assert lesson.losses()[0] == pytest.approx(
        plain_loss(plain_model(chat_model, None), chat_model, same).item(), rel=1e-5
    )
