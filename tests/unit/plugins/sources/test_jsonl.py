from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.errors import DataError, Problem
from loresmith.specs import Gives
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource

USER = {"role": "user", "content": "q"}
ASSISTANT = {"role": "assistant", "content": "a"}


def source(root: Path, *rows: Any, **options: Any) -> JsonlSource:
    raw = b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    (root / "rows.jsonl").write_bytes(raw)
    return JsonlSource(JsonlOptions(path="rows.jsonl", **options), root)


def problems(root: Path, *rows: Any, gives: Gives = "examples", **options: Any) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        source(root, *rows, **options).read(gives)
    assert all(problem.file == "rows.jsonl" for problem in caught.value.problems)
    return list(caught.value.problems)


def only(root: Path, *rows: Any, **options: Any) -> Problem:
    (problem,) = problems(root, *rows, **options)
    return problem


def test_short_rows_and_conversations_become_examples(tmp_path: Path) -> None:
    short, long, off = source(
        tmp_path,
        {"question": "How much?", "answer": "9.40", "grounding": ["fares.md", "fares.md"], "id": 7},
        {"messages": [USER, {**ASSISTANT, "trained": False}, USER, ASSISTANT], "grounding": "a.md"},
        {"question": "Weather?", "answer": "The papers do not say.", "answerable": False},
    ).read("examples")
    assert (short.question, short.reply, short.grounding) == ("How much?", "9.40", ("fares.md",))
    assert short.place == "rows.jsonl:1"
    assert [message.get("trained") for message in long.messages] == [None, False, None, None]
    assert long.grounding == ("a.md",)
    assert (off.answerable, off.grounding) == (False, ())


def test_both_forms_of_preferences_are_read(tmp_path: Path) -> None:
    pair, talk, liked, disliked = source(
        tmp_path,
        {"prompt": "q", "chosen": "good", "rejected": "bad"},
        {"prompt": [USER, ASSISTANT, USER], "chosen": "good", "rejected": "bad"},
        {"prompt": "q", "reply": "r", "liked": True},
        {"prompt": "q", "reply": "r", "liked": False},
    ).read("preferences")
    assert (pair.prompt, pair.chosen, pair.rejected, pair.liked) == ((USER,), "good", "bad", None)
    assert len(talk.prompt) == 3
    assert (liked.reply, liked.liked, disliked.liked) == ("r", True, False)
    assert len({pair.id, talk.id, liked.id, disliked.id}) == 4


def test_other_simple_values_of_a_document_are_its_metadata(tmp_path: Path) -> None:
    row = {
        "id": "a.md",
        "text": "At nine.",
        "line": "red",
        "year": 2026,
        "tags": ["pets"],
        "nested": {"x": 1},
        "no": None,
    }
    (document,) = source(tmp_path, row).read("documents")
    assert document.metadata == {"line": "red", "year": 2026, "tags": ["pets"]}


def test_documents_are_read_under_any_of_their_ids(tmp_path: Path) -> None:
    documents = source(
        tmp_path,
        {"id": "a", "text": "# Fares\r\ntext", "title": ""},
        {"doc_id": "b", "text": "text", "title": "Bees"},
        {"path": "c", "text": "text"},
    ).read("documents")
    assert [(d.id, d.text, d.title) for d in documents] == [
        ("a", "# Fares\ntext", "Fares"),
        ("b", "text", "Bees"),
        ("c", "text", "c"),
    ]


def test_byte_order_mark_carriage_returns_blank_lines_and_line_separators_do_no_harm(tmp_path: Path) -> None:
    row = json.dumps({"question": "q\u2028q", "answer": "a"}, ensure_ascii=False).encode()
    examples = source(
        tmp_path, b"\xef\xbb\xbf" + row + b"\r", b"  \r", b'{"question": "z", "answer": "a"}\r', b""
    ).read("examples")
    assert [(e.question, e.place) for e in examples] == [("q\u2028q", "rows.jsonl:1"), ("z", "rows.jsonl:3")]


def test_keys_of_a_foreign_file_are_renamed(tmp_path: Path) -> None:
    keys = {"grounding": "doc", "question": "title"}
    rows = source(tmp_path, {"title": "q", "answer": "a", "doc": "x.md", "grounding": 3}, keys=keys).read("examples")
    assert (rows[0].question, rows[0].grounding) == ("q", ("x.md",))


def test_renaming_to_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match='no key named "grouding"'):
        JsonlOptions(path="x", keys={"grouding": "doc"})


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (b'{"question": "q", "answer": "a', "the row ends too early: unterminated string starting at column 29"),
        (b'{"question": "q", "answer": ', "the row ends too early: expecting value at column 29"),
        (b'{"question": "q"', "the row ends too early: expecting ',' delimiter at column 17"),
        (b'{"question": "q",, "answer": "a"}', "the row is not JSON: expecting property name"),
        (b'["question", "answer"]', "the row is a list, not an object"),
        (b"12", "the row is a number, not an object"),
        (b'{"question": "q", "question": "p", "answer": "a"}', "the key is there twice"),
        (b'{"question": NaN, "answer": "a"}', "NaN is no JSON value"),
        (b'{"question": "caf\xe9", "answer": "a"}', "the line is not UTF-8: byte 0xe9 at offset 17"),
        (b'{"question": "q\x00", "answer": "a"}', "the line holds a NUL character at offset 15"),
        (b'{"question": "q\\u0000", "answer": "a"}', "the text holds a NUL character"),
        (b'{"question": "\\ud800", "answer": "a"}', "the text holds half a surrogate pair"),
        (b"[" * 100_000, "the row is nested too deeply"),
        (b'{"question": "q", "answer": "a", "n": ' + b"9" * 5000 + b"}", "the row is not JSON: exceeds the limit"),
    ],
)
def test_a_line_that_is_no_object_is_a_problem_with_its_place(tmp_path: Path, row: bytes, what: str) -> None:
    problem = only(tmp_path, {"question": "q", "answer": "a"}, row)
    assert problem.line == 2
    assert problem.what.lower().startswith(what.lower())


@pytest.mark.parametrize(
    ("row", "key", "what", "hint"),
    [
        ({"question": "q", "anwser": "a"}, "answer", "is missing", 'Is it "anwser"?'),
        ({"prompt": "q", "answer": "a"}, "question", "is missing", "Keys of the row: prompt, answer."),
        ({"question": "", "answer": "a"}, "question", "is empty", ""),
        ({"question": "q", "answer": "  \n"}, "answer", "is empty", ""),
        ({"question": 5, "answer": "a"}, "question", "must be a text, not a number", "quotes"),
        ({"question": "q", "answer": None}, "answer", "must be a text, not null", ""),
        ({"question": "q", "answer": "a", "grounding": 5}, "grounding", "must be a list of texts", ""),
        ({"question": "q", "answer": "a", "grounding": ["a", ""]}, "grounding", "must be a list of texts", ""),
        ({"question": "q", "answer": "a", "answerable": "no"}, "answerable", "must be true or false, not a text", ""),
        ({"question": "q", "answer": "a", "groundng": []}, "groundng", "is no key of this row", '"grounding"'),
        ({"question": "q", "messages": [USER, ASSISTANT]}, "question", "stands beside messages", ""),
        ({"messages": []}, "messages", "must be a list of messages", ""),
        ({"messages": [USER, "a"]}, "messages[1]", "must be an object with role and content, not a text", ""),
        ({"messages": [USER, {"role": "assistant"}]}, "messages[1].content", "is missing", ""),
        ({"messages": [USER, {**ASSISTANT, "content": " "}]}, "messages[1].content", "is empty", ""),
        ({"messages": [{"role": "system", "content": "s"}, USER, ASSISTANT]}, "messages[0].role", "must be", "instru"),
        ({"messages": [USER, {"role": "bot", "content": "a"}]}, "messages[1].role", 'not "bot"', ""),
        ({"messages": [USER, USER, ASSISTANT]}, "messages[1].role", "must be assistant", ""),
        ({"messages": [ASSISTANT, USER]}, "messages[0].role", "must be user", ""),
        ({"messages": [USER, ASSISTANT, USER]}, "messages", "must end with a message of the assistant", ""),
        ({"messages": [USER, {**ASSISTANT, "trained": False}]}, "messages[1].trained", "must not be false", ""),
        ({"messages": [USER, {**ASSISTANT, "trained": 1}]}, "messages[1].trained", "must be true or false", ""),
        ({"messages": [{**USER, "trained": True}, ASSISTANT]}, "messages[0].trained", "assistant messages only", ""),
        ({"messages": [USER, {**ASSISTANT, "contents": "x"}]}, None, None, None),
        ({"messages": [USER, {"role": "assistant", "contnt": "x"}]}, "messages[1].contnt", "is no key", '"content"'),
    ],
)
def test_a_wrong_example_says_which_key_and_why(
    tmp_path: Path, row: Any, key: str | None, what: str | None, hint: str | None
) -> None:
    if key is None or what is None or hint is None:
        assert source(tmp_path, row).read("examples")
        return
    found = {problem.key: problem for problem in problems(tmp_path, row)}
    assert found[key].line == 1
    assert what in found[key].what
    assert hint in found[key].hint


@pytest.mark.parametrize(
    ("row", "key", "what"),
    [
        ({"chosen": "a", "rejected": "b"}, "prompt", "is missing"),
        ({"prompt": "q", "chosen": "a"}, "rejected", "is missing"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "rejected", "is the same as chosen"),
        (
            {"prompt": [USER, ASSISTANT], "chosen": "a", "rejected": "b"},
            "prompt",
            "must end with a message of the user",
        ),
        ({"prompt": "q", "reply": "r"}, "liked", "is missing"),
        ({"prompt": "q", "reply": "r", "liked": "yes"}, "liked", "must be true or false"),
        ({"prompt": "q", "liked": True}, "reply", "is missing"),
        ({"prompt": "q", "reply": "r", "liked": True, "chosen": "c"}, "chosen", "stands beside reply or liked"),
    ],
)
def test_a_wrong_preference_says_which_key_and_why(tmp_path: Path, row: Any, key: str, what: str) -> None:
    problem = only(tmp_path, row, gives="preferences")
    assert (problem.key, problem.line) == (key, 1)
    assert what in problem.what


@pytest.mark.parametrize(
    ("row", "key", "what"),
    [
        ({"text": "t"}, "id", "is missing"),
        ({"id": 4, "text": "t"}, "id", "must be a text, not a number"),
        ({"id": "a"}, "text", "is missing"),
        ({"id": "a", "text": " "}, "text", "is empty"),
        ({"id": "a", "text": "t", "title": 4}, "title", "must be a text"),
    ],
)
def test_a_wrong_document_says_which_key_and_why(tmp_path: Path, row: Any, key: str, what: str) -> None:
    problem = only(tmp_path, row, gives="documents")
    assert problem.key == key
    assert what in problem.what


def test_a_document_id_that_comes_twice_names_the_first(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "t"}, {"id": "b", "text": "t"}, {"id": "a", "text": "t"}]
    problem = only(tmp_path, *rows, gives="documents")
    assert (problem.line, problem.key, problem.what) == (3, "a", "line 1 has this id already")


def test_all_wrong_rows_and_all_mistakes_of_a_row_are_reported_together_in_order(tmp_path: Path) -> None:
    rows = [{"question": "", "answer": 3}, b"{", {"question": "q", "answer": "a"}, {"question": "q", "answer": ""}]
    found = problems(tmp_path, *rows)
    assert [(p.line, p.key) for p in found] == [(1, "question"), (1, "answer"), (2, ""), (4, "answer")]


@pytest.mark.parametrize("raw", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_a_problem(tmp_path: Path, raw: bytes) -> None:
    assert only(tmp_path, raw).what == "the file is empty"


def test_a_json_array_over_several_lines_is_one_problem_and_not_hundreds(tmp_path: Path) -> None:
    raw = json.dumps([{"question": "q", "answer": "a"}] * 3, indent=2).encode()
    problem = only(tmp_path, raw)
    assert problem.what == "the file is one JSON value over several lines"
    assert "one JSON object a line" in problem.hint


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "examples.jsonl").write_text("{}")
    with pytest.raises(DataError) as caught:
        JsonlSource(JsonlOptions(path="exmples.jsonl"), tmp_path).read("examples")
    (problem,) = caught.value.problems
    assert (problem.file, problem.hint) == ("exmples.jsonl", 'Did you mean "examples.jsonl"?')


# ------------------------------------------------------------------------------------------- as other kits write them


def test_alpaca_rows_become_examples_with_and_without_an_input(tmp_path: Path) -> None:
    bare, given, dolly = source(
        tmp_path,
        {"instruction": "Name a boat.", "input": "", "output": "Merrow.", "text": "Below is …"},
        {"instruction": "Add these.", "input": "2 and 3", "output": "5", "grounding": "sums.md"},
        {"instruction": "Where?", "output": "Here."},
    ).read("examples")
    assert (bare.question, bare.reply) == ("Name a boat.", "Merrow.")
    assert (given.question, given.reply, given.grounding) == ("Add these.\n\n2 and 3", "5", ("sums.md",))
    assert (dolly.question, dolly.reply) == ("Where?", "Here.")


def test_rows_of_dolly_and_of_completions_are_read_under_their_own_names(tmp_path: Path) -> None:
    row = {"instruction": "When?", "context": "It began in 2000.", "response": "In 2000.", "category": "qa"}
    (dolly,) = source(tmp_path, row, keys={"input": "context", "output": "response"}).read("examples")
    assert (dolly.question, dolly.reply) == ("When?\n\nIt began in 2000.", "In 2000.")
    keys = {"question": "prompt", "answer": "completion"}
    (completed,) = source(tmp_path, {"prompt": "Why?", "completion": "So."}, keys=keys).read("examples")
    assert (completed.question, completed.reply) == ("Why?", "So.")


def test_sharegpt_conversations_become_examples(tmp_path: Path) -> None:
    turns = [
        {"from": "human", "value": "What is it?"},
        {"from": "gpt", "value": "42."},
        {"from": "user", "value": "No!"},
        {"from": "assistant", "value": "I agree."},
    ]
    (talk,) = source(tmp_path, {"id": "x", "conversations": turns}).read("examples")
    assert [message["role"] for message in talk.messages] == ["user", "assistant", "user", "assistant"]
    assert (talk.question, talk.reply) == ("No!", "I agree.")


def test_a_system_message_of_its_own_is_refused_unless_it_is_to_be_dropped(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be odd."}
    shared = [{"from": "system", "value": "Be odd."}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    rows = ({"messages": [system, USER, ASSISTANT]}, {"conversations": shared})
    found = problems(tmp_path, *rows)
    assert [problem.key for problem in found] == ["messages[0].role", "conversations[0].role"]
    assert all("system: drop" in problem.hint for problem in found)
    examples = source(tmp_path, *rows, system="drop").read("examples")
    assert [example.messages for example in examples] == [(USER, ASSISTANT)] * 2


@pytest.mark.parametrize(
    ("row", "key", "what"),
    [
        ({"instruction": "Who?", "output": ""}, "output", "is empty"),
        ({"instruction": "Who?"}, "output", "is missing"),
        ({"instruction": "Who?", "input": 3, "output": "I."}, "input", "must be a text"),
        ({"instruction": "Who?", "output": "I.", "answer": "I."}, "answer", "stands beside instruction"),
        ({"conversations": [{"from": "human", "value": "q"}]}, "conversations", "must end with a message of the"),
        ({"conversations": [{"from": "function_call", "value": "f"}]}, "conversations[0].role", 'not "function_call"'),
        ({"conversations": [{"from": 3, "value": "q"}, "x"]}, "conversations[0].role", "must be a text"),
        ({"conversations": []}, "conversations", "must be a list of messages"),
    ],
)
def test_a_foreign_row_that_is_wrong_is_a_problem_with_its_key(
    tmp_path: Path, row: dict[str, Any], key: str, what: str
) -> None:
    first = problems(tmp_path, row)[0]
    assert first.key == key
    assert what in first.what
