"""Everything that is wrong with a recipe is said at once, with its place and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.errors import Problem, RecipeError
from loresmith.host import PluginHost
from loresmith.recipe.load import load_recipe
from loresmith.recipe.models import Recipe
from loresmith.registry import Registry

GOOD = """\
# A desk that answers.
name: desk
base: smollm2-135m
instructions: |
  You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  chunker: {kind: recursive, size: 800, overlap: 100}
data:
  examples: [{kind: jsonl, path: examples.jsonl}]
training:
  - {method: sft, rank: 4}
evaluation:
  metrics: [token_f1, {kind: citation}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "examples.jsonl").write_text("", encoding="utf-8")
    return tmp_path


def load(root: Path, text: str | bytes, registry: Registry) -> Recipe:
    path = root / "assistant.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_recipe(path, registry)


def problems(root: Path, text: str | bytes, registry: Registry) -> list[Problem]:
    with pytest.raises(RecipeError) as caught:
        load(root, text, registry)
    return list(caught.value.problems)


def only(root: Path, text: str | bytes, registry: Registry) -> Problem:
    found = problems(root, text, registry)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def test_a_right_recipe_is_read(root: Path, host: PluginHost) -> None:
    recipe = load(root, GOOD, host.registry)
    assert recipe.training[0].options == {"rank": 4}
    assert recipe.knowledge.embedder.kind == "minilm"


def test_a_byte_order_mark_and_crlf_do_no_harm(root: Path, host: PluginHost) -> None:
    assert load(root, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), host.registry).name == "desk"


def test_six_mistakes_are_reported_at_once_each_with_its_line(root: Path, host: PluginHost) -> None:
    text = (
        GOOD.replace("name: desk", "name: Desk One")
        .replace("base: smollm2-135m", "base: smollm2-135m\nfewshot: 3")
        .replace("path: docs", "path: doc")
        .replace("kind: recursive", "kind: recursiv")
        .replace("rank: 4", "rank: four")
        .replace("metrics: [token_f1,", "metrics: [tokenf1,")
    )
    found = {p.key: (p.line, p.what, p.hint) for p in problems(root, text, host.registry)}
    assert [(key, line) for key, (line, _, _) in found.items()] == [
        ("name", 2),
        ("fewshot", 4),
        ("knowledge.sources[0].path", 8),
        ("knowledge.chunker.kind", 9),
        ("training[0].rank", 13),
        ("evaluation.metrics[0]", 15),
    ]
    assert 'Did you mean "few_shot"?' in found["fewshot"][2]
    assert found["knowledge.sources[0].path"][1:] == ('there is no file or folder "doc"', 'Did you mean "docs"?')
    assert 'Did you mean "recursive"?' in found["knowledge.chunker.kind"][2]
    assert found["training[0].rank"][1] == 'must be a whole number, not "four"'
    assert 'Did you mean "token_f1"?' in found["evaluation.metrics[0]"][2]


def test_the_error_prints_file_line_key_and_hint(root: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    with pytest.raises(RecipeError) as caught:
        load(root, GOOD.replace("rank: 4", "rnk: 4"), host.registry)
    line = str(caught.value).splitlines()[1]
    assert line.startswith(
        '  assistant.yaml:12: training[0].rnk: there is no such key here. Did you mean "rank"? Keys: '
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        ("name: desk\n", "", "name", "is missing"),
        ("name: desk", "name: 12", "name", "must be text, not 12"),
        ("instructions: |\n  You answer.", "instructions:", "instructions", "must be text, not empty"),
        ("base: smollm2-135m", "base: ./none", "base", 'there is no model folder "./none"'),
        ("kind: jsonl, path: examples.jsonl", "kind: files, path: docs", "data.examples[0].kind",
         '"files" gives documents, not examples'),
        ("{method: sft, rank: 4}", "{rank: 4}", "training[0].method", "is missing"),
        ("{method: sft, rank: 4}", "{method: sft, rank: 0}", "training[0].rank", "must be at least 1, not 0"),
        ("{kind: citation}]", "3]", "evaluation.metrics[1]", "must be text, not 3"),
        ("[token_f1, {kind: citation}]", "token_f1", "evaluation.metrics", 'must be a list, not "token_f1"'),
        ("{kind: citation}]", "{kind: citation, of: 1}]", "evaluation.metrics[1].of", "there is no such key here"),
        ("evaluation:", "evaluation:\n  rungs: [rag, rag]", "evaluation.rungs", "names rag twice"),
        ("data:", "data:\n  split: {dev: 0.4, test: 0.7}", "data.split",
         "dev (0.4) and test (0.7) leave nothing to train on"),
        ("sources: [{kind: files, path: docs}]", "sources: []", "knowledge.sources", "must have at least 1 entry"),
        ("knowledge:", "knowledge: text\nrest:", "knowledge", 'must be a mapping (key: value), not "text"'),
    ],
)  # fmt: skip
def test_a_mistake_is_put_in_plain_words(old: str, new: str, key: str, what: str, root: Path, host: PluginHost) -> None:
    assert old in GOOD
    found = {p.key: p.what for p in problems(root, GOOD.replace(old, new), host.registry)}
    assert found[key] == what


def test_a_key_given_twice_is_refused(root: Path, host: PluginHost) -> None:
    found = only(root, GOOD + "name: other\n", host.registry)
    assert (found.line, found.key, found.what) == (15, "name", "given twice; first in line 2")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (b"", 1, "the file is empty"),
        (b"# only a comment\n", 1, "the file is empty"),
        (b"- a\n- b\n", 1, "a recipe is a mapping"),
        (b"name: desk\n\tbase: x\n", 2, "a tab is used to indent"),
        (b"name: d\xe9sk\n", 1, "not UTF-8"),
        (b"ok: 1\nname: \x00\n", 2, "U+0000"),
        (b"name: [desk\n", 2, "this is not YAML"),
        (b"name: a\n---\nname: b\n", 2, "more than one YAML document"),
        (b"name: !!python/object/apply:os.system [true]\n", 1, ""),
        (b"a: &a {b: *a}\n", 1, "multiply"),
        (b"[" * 3000, 1, ""),
        (b"x: " + b"a" * 1_100_000, 1, "at most 1000000"),
    ],
)
def test_what_is_not_a_recipe_is_refused_with_its_line(
    text: bytes, line: int, says: str, root: Path, host: PluginHost
) -> None:
    first = problems(root, text, host.registry)[0]
    assert first.line == line
    assert says in first.what


def test_anchors_that_multiply_are_refused_quickly(root: Path, host: PluginHost) -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "multiply" in only(root, "\n".join(layers), host.registry).what


def test_defaults_that_name_an_absent_plugin_are_reported(root: Path) -> None:
    host = PluginHost.from_environment(["minilm"])
    found = only(root, GOOD, host.registry)
    assert (found.line, found.key) == (6, "knowledge.embedder.kind")
    assert 'no embedder named "minilm"' in found.what


def test_a_missing_file_is_said_plainly(tmp_path: Path, host: PluginHost) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe(tmp_path / "assistant.yaml", host.registry)


LAW = "principles: [{name: brief, critique: 'Is it?', revision: Make it., preference: 'Which?'}]\n"


def with_stage(stage: str) -> str:
    return GOOD.replace("  - {method: sft, rank: 4}", f"  - {stage}")


@pytest.mark.parametrize(
    ("stage", "key", "says"),
    [
        (
            "{method: constitutional, constitution: law.yaml, critic: {kind: transfomers}}",
            "training[0].critic.kind",
            "transformers",
        ),
        (
            "{method: constitutional, constitution: law.yaml, critic: {kind: transformers, base: m, max_token: 3}}",
            "training[0].critic.max_token",
            "max_tokens",
        ),
        ("{method: distill, kind: replies, teacher: {kind: opnai, base: m}}", "training[0].teacher.kind", "openai"),
        ("{method: rlhf, reward: [{kind: token_f2, weight: 2}]}", "training[0].reward[0].kind", "token_f1"),
        ("{method: rlhf, reward: token_f2}", "training[0].reward", "token_f1"),
        ("{method: constitutional, constitution: low.yaml}", "training[0].constitution", "there is no file"),
        ("{method: sft, mix: {path: general.jsonl}}", "training[0]", 'there is no file "general.jsonl"'),
    ],
)
def test_what_a_stage_names_is_checked_before_anything_runs(
    root: Path, host: PluginHost, stage: str, key: str, says: str
) -> None:
    (root / "law.yaml").write_text(LAW, encoding="utf-8")
    problem = only(root, with_stage(stage), host.registry)
    assert problem.key.startswith(key)
    assert says in str(problem)
    assert problem.line == 12


def test_mistakes_in_a_constitution_are_those_of_the_recipe_that_names_it(root: Path, host: PluginHost) -> None:
    (root / "law.yaml").write_text(LAW.replace("revision", "revison"), encoding="utf-8")
    found = problems(root, with_stage("{method: constitutional, constitution: law.yaml, epoch: 1}"), host.registry)
    assert [problem.file.rpartition("/")[2] for problem in found] == ["assistant.yaml"]
    found = problems(root, with_stage("{method: constitutional, constitution: law.yaml}"), host.registry)
    assert {problem.file for problem in found} == {"law.yaml"}
    assert any("revision" in str(problem) for problem in found)
