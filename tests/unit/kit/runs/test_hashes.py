from __future__ import annotations

import os
from pathlib import Path

import pytest

from loresmith import files
from loresmith.host import PluginHost
from loresmith.recipe.models import Recipe
from loresmith.runs.hashes import base_hash, data_hash, recipe_hash, value_hash
from loresmith.values import Example, Preference


def recipe_with(recipe: Recipe, **changes: object) -> Recipe:
    return Recipe.model_validate(recipe.model_dump(mode="json") | changes)


def test_a_default_spelled_out_leaves_the_recipe_the_same(still_recipe: Recipe, still_host: PluginHost) -> None:
    same = recipe_with(still_recipe, engine={"kind": "still", "k": 4})
    other = recipe_with(still_recipe, engine={"kind": "still", "k": 5})
    assert recipe_hash(same, still_host.registry) == recipe_hash(still_recipe, still_host.registry)
    assert recipe_hash(other, still_host.registry) != recipe_hash(still_recipe, still_host.registry)


def test_the_order_of_keys_does_not_matter_and_that_of_lists_does() -> None:
    assert value_hash({"a": 1, "b": [1, 2]}) == value_hash({"b": [1, 2], "a": 1})
    assert value_hash([1, 2]) != value_hash([2, 1])


def example(reply: str = "Two.", *, place: str = "", answerable: bool = True, **mark: bool) -> Example:
    messages = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": reply, **mark}]
    return Example.of(messages, grounding=("a.md",), place=place, answerable=answerable)  # type: ignore[arg-type]


def test_all_that_training_sees_of_an_example_changes_the_hash() -> None:
    hashes = [
        data_hash([example()]),
        data_hash([example("Three.")]),
        data_hash([example(answerable=False)]),
        data_hash([example(trained=False)]),
        data_hash([example(), example("Three.")]),
        data_hash([example("Three."), example()]),
        data_hash([Preference("1", (), chosen="a", rejected="b")]),
        data_hash([Preference("1", (), chosen="b", rejected="a")]),
        data_hash([]),
    ]
    assert len(set(hashes)) == len(hashes)


def test_where_an_example_was_read_does_not_change_the_hash() -> None:
    assert data_hash([example(place="a.jsonl:1")]) == data_hash([example(place="b.jsonl:7")])


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose contents were read."""
    names: list[str] = []
    real = files.file_hash

    def hash_of(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr("loresmith.files.file_hash", hash_of)
    return names


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    files.write_text(folder / "config.json", "{}")
    files.write_text(folder / "model.safetensors", "weights")
    return folder


def test_a_model_is_read_once_and_again_only_where_it_changed(model: Path, read: list[str]) -> None:
    first = base_hash(model)
    assert sorted(read) == ["config.json", "model.safetensors"]
    assert base_hash(model) == first == files.folder_hash(model)
    read.clear()
    base_hash(model)
    assert read == []
    (model / "config.json").write_text("[]")
    os.utime(model / "config.json", ns=(1, 1))
    assert base_hash(model) != first
    assert read == ["config.json"]


def test_a_file_that_went_or_came_changes_the_hash(model: Path) -> None:
    first = base_hash(model)
    (model / "config.json").rename(model / "other.json")
    second = base_hash(model)
    (model / "other.json").unlink()
    assert len({first, second, base_hash(model)}) == 3


def test_nothing_is_written_into_the_model(model: Path) -> None:
    base_hash(model)
    assert sorted(path.name for path in model.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"config.json": 3}', '{"config.json": ["x", 1, 2]}'])
def test_a_damaged_memory_costs_time_and_nothing_else(model: Path, tmp_home: Path, damage: str) -> None:
    first = base_hash(model)
    (memory,) = (tmp_home / ".cache" / "loresmith" / "hashes").iterdir()
    memory.write_text(damage)
    assert base_hash(model) == first


def test_without_room_for_its_memory_it_still_hashes(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("loresmith.filehashes.write_json", full)
    assert base_hash(model) == files.folder_hash(model)
