"""How far a build is, is read from files that somebody else writes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loresmith_tui.looking import ordered
from loresmith_tui.session import Session
from loresmith_tui.watching import Watch


def step(number: int, loss: float = 1.0, **more: Any) -> dict[str, Any]:
    counted = {"step": number, "steps": 10, "tokens": 100 * number, "seconds": 2.0 * number}
    return {"event": "step", "stage": 0, "loss": loss, **counted, **more}


def watched(folder: Path) -> Watch:
    return Watch(SimpleNamespace(id="run", folder=folder))  # type: ignore[arg-type]


def write(folder: Path, *events: dict[str, Any], end: str = "") -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("".join(json.dumps(event) + "\n" for event in events) + end)


def test_only_whole_lines_are_taken_and_the_rest_when_it_is_there(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    watch.look()
    write(tmp_path, step(1), end='{"event": "step", "stage": 0, "st')
    watch.look()
    assert watch.stages[0].step == 1
    with (tmp_path / "events.jsonl").open("a") as stream:
        stream.write('ep": 2, "steps": 10, "loss": 0.5}\n')
    watch.look()
    assert (watch.stages[0].step, watch.stages[0].figures["loss"]) == (2, [(1, 1.0), (2, 0.5)])


def test_steps_made_anew_after_a_checkpoint_take_the_place_of_those_before(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    write(tmp_path, step(1), step(2), step(3, 9.0), {"event": "dev", "stage": 0, "step": 3, "loss": 8.0}, step(2, 0.5))
    watch.look()
    assert watch.stages[0].figures["loss"] == [(1, 1.0), (2, 0.5)]
    assert watch.stages[0].dev == {"loss": []}


def test_speed_and_time_left_are_those_of_the_last_steps(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    write(tmp_path, *(step(number) for number in range(1, 6)))
    watch.look()
    assert watch.stages[0].tokens_a_second == 50
    assert watch.stages[0].seconds_left == 10


def test_figures_of_every_method_are_drawn_and_counts_and_words_are_not(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    write(tmp_path, step(1, margin=0.2, kl=float("nan"), note="x", kept=True, memory=2_000_000_000))
    write(tmp_path, {"event": "dev", "stage": 0, "step": 1, "loss": 0.5, "pair_accuracy": 0.75, "best": 1})
    watch.look()
    stage = watch.stages[0]
    assert set(stage.figures) == {"loss", "margin", "memory, GB"}
    assert stage.figures["memory, GB"] == [(1, 2.0)]
    assert stage.dev == {"loss": [(1, 0.5)], "pair_accuracy": [(1, 0.75)]}
    assert ordered(stage.names) == ["loss", "margin", "memory, GB", "pair_accuracy"]


def test_a_built_run_has_all_its_steps_done(session: Session) -> None:
    run = session.latest()
    assert run is not None
    steps = Watch(run).steps(run)
    assert steps[0] == ("train sft", True)
    assert all(done for _, done in steps)


def test_a_run_that_goes_on_with_a_changed_recipe_has_the_steps_of_that_one(session: Session) -> None:
    run = session.latest()
    assert run is not None
    watch = Watch(run)
    before = watch.steps(run)
    text = run.recipe.read_text(encoding="utf-8")
    run.recipe.write_text(text.replace("method: sft", "method: dpo"), encoding="utf-8")
    try:
        os.utime(run.recipe, (1, 1))
        assert [name for name, _ in before if name not in dict(watch.steps(run))] == ["train sft"]
    finally:
        run.recipe.write_text(text, encoding="utf-8")
