"""A label says which reply is better, and never in which place it stood."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from constitutional_stage import ASKED, PRINCIPLES, ConstitutionalStage, asked_of, endpoint_critic
from loresmith.errors import DataError, Interrupted, UsageError
from loresmith_plugins.methods.constitutional.labels import first_preferred
from loresmith_plugins.training.made_preferences import preferences_of
from scripted_endpoint import ScriptedEndpoint
from tiny_models import write_chat_model

Messages = Sequence[Mapping[str, str]]


def replies_in(messages: Messages) -> tuple[str, str]:
    """Return what stands as A and what as B in a question of two replies."""
    _, _, rest = messages[-1]["content"].partition("\n\nReply A: ")
    one, _, rest = rest.partition("\n\nReply B: ")
    return one, rest.rpartition("\n\n")[0]


def prefers(one: str, other: str) -> bool:
    """Whether the scripted judge thinks the first better: a rule that position cannot change."""
    return (len(one), one) > (len(other), other)


def judge(messages: Messages) -> dict[str, float]:
    """Tell log-probabilities: nine to one for the better reply, with a leaning towards A."""
    better = "A" if prefers(*replies_in(messages)) else "B"
    odds = {"A": 0.2, "B": 0.0}
    odds[better] += math.log(9)
    total = math.log(sum(map(math.exp, odds.values())))
    return {letter: value - total for letter, value in odds.items()}


Labelling = Callable[..., ConstitutionalStage]


@pytest.fixture
def labelling(chat_model: Path, varied_adapter: Path, tmp_path: Path) -> Labelling:
    """A stage that labels pairs drawn from a model with several replies."""

    def stage(endpoint: ScriptedEndpoint, **changes: Any) -> ConstitutionalStage:
        options = {"phase": "preferences", **changes.pop("options", {})}
        critic = endpoint_critic(endpoint.url)
        return ConstitutionalStage(chat_model, tmp_path, critic, options, adapter=varied_adapter, **changes)

    return stage


def test_position_cancels_and_letters_count_only_if_both_orders_agree() -> None:
    sure, other = (-0.01, -5.0), (-5.0, -0.01)
    assert first_preferred(sure, sure) == pytest.approx(0.5)
    assert first_preferred(sure, other) == pytest.approx(1 / (1 + math.exp(-4.99)))
    assert first_preferred(other, sure) == pytest.approx(1 / (1 + math.exp(4.99)))
    assert first_preferred((-1.0, -1.0), (-100.0, -100.0)) == 0.5
    # A critic that leans to A by 4 nats, and to the first reply by 1.
    assert first_preferred((0.0, -5.0), (0.0, -3.0)) == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert first_preferred("A", "B") == 1.0
    assert first_preferred("B", "A") == 0.0
    assert first_preferred("A", "A") is first_preferred("B", "B") is first_preferred("A", None) is None


def test_clear_labels_become_preferences_that_a_later_stage_reads(labelling: Labelling) -> None:
    with ScriptedEndpoint(likely=judge) as endpoint:
        stage = labelling(endpoint)
        result = stage.run()
    assert (result.adapter, result.model, result.steps) == (None, None, 0)
    assert result.details["preferences"] == "preferences.jsonl"
    made = preferences_of(stage.context(), 0)
    counted = dict.fromkeys(("pairs", "labelled", "preferred"), len(made))
    assert result.details["labels"] == {**counted, "by": "probabilities"}
    # Where the model drew the same reply twice, there is nothing to prefer; dev prompts are left alone.
    assert len(made) >= 3
    assert {each.prompt[-1]["content"] for each in made} <= set(ASKED)
    assert all(prefers(each.chosen, each.rejected) for each in made)
    assert all(0.85 < row["probability"] < 0.95 for row in stage.rows("preferences.jsonl"))
    assert {row["principle"] for row in stage.rows("preferences.jsonl")} == {"tally"}


@pytest.mark.parametrize("tells", [True, False])
def test_a_critic_that_always_prefers_a_yields_no_preference(labelling: Labelling, tells: bool) -> None:
    likely = (lambda messages: {"A": -0.05, "B": -3.0}) if tells else None
    with ScriptedEndpoint("A", likely=likely) as endpoint:
        stage = labelling(endpoint)
        result = stage.run()
    assert result.details["labels"]["labelled"] >= 3
    assert result.details["labels"]["preferred"] == 0
    assert stage.rows("preferences.jsonl") == []
    with pytest.raises(UsageError, match="training stage 0 made no preferences"):
        preferences_of(stage.context(), 0)


def test_an_endpoint_without_probabilities_is_asked_for_letters_and_that_is_said(labelling: Labelling) -> None:
    with ScriptedEndpoint(lambda messages: "A." if prefers(*replies_in(messages)) else "B") as endpoint:
        stage = labelling(endpoint)
        result = stage.run()
    assert result.details["labels"]["preferred"] == result.details["labels"]["pairs"] >= 3
    assert result.details["labels"]["by"].startswith("letters")
    assert all(prefers(row["chosen"], row["rejected"]) for row in stage.rows("preferences.jsonl"))
    assert {row["probability"] for row in stage.rows("preferences.jsonl")} == {1.0}


def test_labels_inside_the_margin_do_not_count(labelling: Labelling) -> None:
    with ScriptedEndpoint(likely=judge) as endpoint:
        result = labelling(endpoint, options={"margin": 0.45}).run()
    assert result.details["labels"]["preferred"] == 0


def test_a_stop_while_labelling_asks_nothing_twice(labelling: Labelling) -> None:
    with ScriptedEndpoint(likely=judge) as endpoint:
        options = {"at_once": 1}
        stopping = labelling(endpoint, options=options, stopping=lambda: len(endpoint.requests) >= 5)
        with pytest.raises(Interrupted):
            stopping.run()
        again = labelling(endpoint, options=options)
        labels = again.run().details["labels"]
        asked = asked_of(endpoint.requests)
    assert labels["preferred"] == labels["pairs"] >= 3
    assert len(asked) == len(set(asked)) == 2 * labels["pairs"]


def test_both_phases_draw_their_pairs_from_the_tuned_model(labelling: Labelling) -> None:
    with ScriptedEndpoint("Gladly.", likely=judge) as endpoint:
        options = {"phase": "both", "epochs": 25, "batch": 6, "temperature": 0.05}
        stage = labelling(endpoint, options=options)
        result = stage.run()
    assert result.adapter is not None
    # Tuned to say one thing, and drawn coldly, it says it twice: there is no pair left to compare.
    assert result.details["labels"]["pairs"] == 0
    assert result.details["critique"]["usable"] == len(ASKED) + 1


def test_a_local_model_labels_by_its_own_probabilities(tmp_path: Path, varied_adapter: Path) -> None:
    base = write_chat_model(tmp_path / "base", window=2048)
    options = {"phase": "preferences", "margin": 0.0}
    stage = ConstitutionalStage(base, tmp_path, options=options, adapter=varied_adapter)
    labels = stage.run().details["labels"]
    assert labels["by"] == "probabilities"
    assert labels["labelled"] == labels["preferred"] >= 3
    assert all(0.5 < row["probability"] <= 1 for row in stage.rows("preferences.jsonl"))


def test_a_constitution_that_nothing_is_preferred_by_is_refused_before_anything_is_asked(labelling: Labelling) -> None:
    with ScriptedEndpoint() as endpoint, pytest.raises(DataError, match="no principle has a preference question"):
        labelling(endpoint, principles=PRINCIPLES[1:]).trainer()
