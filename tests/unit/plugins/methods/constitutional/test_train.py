"""The model learns what the critic makes of its replies, and everything that was said is kept."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from command_line import HEAVY
from constitutional_stage import (
    ASKED,
    HELD_OUT,
    INSTRUCTIONS,
    PRINCIPLES,
    ConstitutionalStage,
    asked_of,
    endpoint_critic,
    revise,
    tally_critic,
)
from loresmith.errors import GateRefused, Interrupted
from loresmith.files import folder_hash
from loresmith.testing import check_method
from loresmith.values import Weights
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel
from scripted_endpoint import ScriptedEndpoint
from tiny_models import write_chat_model
from violations import violation_rate


def keeps_house_words(reply: str) -> bool:
    """Whether a reply keeps to the rule by which the loop is judged; no critic sees it."""
    return "tally" in reply and "ticket" not in reply


def test_the_loop_lowers_the_violations_of_a_rule_that_the_critic_never_sees(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        stage = ConstitutionalStage(
            chat_model, tmp_path, endpoint_critic(endpoint.url), {"epochs": 40, "batch": 6}, adapter=ticket_adapter
        )
        result = stage.run()
    engine = TransformersChatModel.load(chat_model, max_tokens=24, batch_tokens=4096)
    rates = []
    for adapter in (ticket_adapter, result.adapter):
        engine.use(Weights(adapter=adapter))
        rates.append(violation_rate(engine, INSTRUCTIONS, HELD_OUT, keeps_house_words))
    assert rates == [1.0, 0.0]
    # What was learnt is the model's own reply with one word changed, not anything the critic brought along.
    assert {row["final"] for row in stage.rows("critiques.jsonl")} == {"Buy a tally."}


def test_every_reply_critique_and_revision_can_be_read(chat_model: Path, ticket_adapter: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        options = {"rounds": 3, "epochs": 1}
        critic = endpoint_critic(endpoint.url)
        stage = ConstitutionalStage(chat_model, tmp_path, critic, options, PRINCIPLES, ticket_adapter)
        result = stage.run()
    rows = stage.rows("critiques.jsonl")
    assert {row["prompt"][-1]["content"] for row in rows} == {*ASKED, "Why?"}
    for row in rows:
        assert row["reply"] == "Buy a ticket."
        assert [each["critique"] for each in row["rounds"]] == ["It says ticket.", "It is well.", "It is well."]
        assert [each["revision"] for each in row["rounds"]] == ["Buy a tally."] * 3
        # The principles of one prompt differ until all were drawn.
        assert {each["principle"] for each in row["rounds"][:2]} == {"tally", "polite"}
        assert row["rounds"][2]["principle"] == row["rounds"][0]["principle"]
    assert len({row["rounds"][0]["principle"] for row in rows}) == 2
    counted = {"prompts": 7, "criticised": 7, "usable": 7, "changed": 7}
    assert result.details["critique"].items() >= {**counted, "rounds": 3, "critiques": "critiques.jsonl"}.items()
    assert result.details["critique"]["critic_tokens"] > 0
    assert "parity" in result.details


def test_revisions_of_dev_prompts_stop_early_and_are_never_learnt(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        stage = ConstitutionalStage(chat_model, tmp_path, endpoint_critic(endpoint.url), adapter=ticket_adapter)
        trainer = stage.trainer()
        receipt = trainer.receipt()
    assert receipt.examples == len(ASKED)
    learnt = {example.question for example in trainer._tuning.context.train}
    assert learnt == set(ASKED)
    assert [(e.question, e.reply) for e in trainer._tuning.context.dev] == [("Why?", "Buy a tally.")]


def test_a_share_of_the_examples_is_learnt_as_it_is_and_prompts_of_a_file_are_revised_too(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    (tmp_path / "more.jsonl").write_text('{"prompt": "May I?", "chosen": "Yes."}\n{"prompt": "When?"}\n')
    with ScriptedEndpoint(tally_critic) as endpoint:
        options = {"gold": 0.5, "prompts": "more.jsonl"}
        stage = ConstitutionalStage(
            chat_model, tmp_path, endpoint_critic(endpoint.url), options, adapter=ticket_adapter
        )
        trainer = stage.trainer()
        trainer.receipt()
    replies = [example.reply for example in trainer._tuning.context.train]
    assert sorted(replies) == ["Buy a tally."] * 7 + ["One ticket."] * 3
    # "When?" is asked by an example and by the file, and answered once.
    assert len(stage.rows("critiques.jsonl")) == 8
    assert trainer.options.files() == ("constitution.yaml", "more.jsonl")


@pytest.mark.parametrize("revision", ["", "   ", '""'])
def test_a_critic_that_writes_nothing_leaves_nothing_to_learn(chat_model: Path, tmp_path: Path, revision: str) -> None:
    with ScriptedEndpoint(lambda messages: revision) as endpoint:
        stage = ConstitutionalStage(chat_model, tmp_path, endpoint_critic(endpoint.url))
        with pytest.raises(GateRefused, match="none was revised") as refused:
            stage.trainer().receipt()
    assert "critiques.jsonl" in refused.value.hint
    assert all(row["final"] is None for row in stage.rows("critiques.jsonl"))


def test_replies_that_the_critic_could_not_revise_are_left_out_and_said(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    def hasty(messages: Sequence[Mapping[str, str]]) -> str:
        return "" if "When?" in str(messages) else tally_critic(messages)

    with ScriptedEndpoint(hasty) as endpoint:
        stage = ConstitutionalStage(chat_model, tmp_path, endpoint_critic(endpoint.url), adapter=ticket_adapter)
        trainer = stage.trainer()
        receipt = trainer.receipt()
    assert {e.question for e in trainer._tuning.context.train} == {*ASKED} - {"When?"}
    assert any("1 of 7 replies are not learnt" in warning for warning in receipt.warnings)


def test_a_critic_that_changes_nothing_is_said_before_training(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    def content(messages: Sequence[Mapping[str, str]]) -> str:
        return "Revised reply: Buy a ticket."

    with ScriptedEndpoint(content) as endpoint:
        stage = ConstitutionalStage(chat_model, tmp_path, endpoint_critic(endpoint.url), adapter=ticket_adapter)
        receipt = stage.trainer().receipt()
    assert any("left 7 of 7 replies as they were" in warning for warning in receipt.warnings)


@pytest.mark.parametrize(("budget", "seen"), [({"items": 3}, 3), ({"tokens": 1}, 2)])
def test_a_budget_ends_the_asking_and_what_was_revised_is_learnt(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path, budget: dict[str, int], seen: int
) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        options = {"budget": budget, "at_once": 2, "epochs": 1}
        stage = ConstitutionalStage(
            chat_model, tmp_path, endpoint_critic(endpoint.url), options, adapter=ticket_adapter
        )
        trainer = stage.trainer()
        receipt = trainer.receipt()
        assert len(endpoint.requests) == 2 * seen
    assert any(f"let the critic see {seen} of 7 prompts" in warning for warning in receipt.warnings)
    assert trainer.train().details["critique"]["criticised"] == seen


def test_the_cap_of_the_engine_refuses_and_keeps_what_was_paid_for(chat_model: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        capped = endpoint_critic(endpoint.url, max_total_tokens=700)
        with pytest.raises(GateRefused):
            ConstitutionalStage(chat_model, tmp_path, capped, {"at_once": 1}).trainer().receipt()
        paid = asked_of(endpoint.requests)
        assert paid
        ConstitutionalStage(chat_model, tmp_path, endpoint_critic(endpoint.url), {"at_once": 1}).trainer().receipt()
        assert len(set(asked_of(endpoint.requests))) == len(endpoint.requests) == 14


def test_a_stop_asks_nothing_twice_and_ends_as_if_it_had_not_been(
    chat_model: Path, ticket_adapter: Path, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        options = {"at_once": 1, "rounds": 2}

        def stage(name: str, **changes: Any) -> ConstitutionalStage:
            critic = endpoint_critic(endpoint.url)
            return ConstitutionalStage(
                chat_model, tmp_path / name, critic, options, PRINCIPLES, ticket_adapter, **changes
            )

        unbroken = stage("one").run()
        endpoint.requests.clear()
        for more in (3, 5, 9):
            end = len(endpoint.requests) + more
            with pytest.raises(Interrupted, match="replies in the journal"):
                stage("two", stopping=lambda end=end: len(endpoint.requests) >= end).trainer().receipt()
            assert len(endpoint.requests) == end
        resumed = stage("two", resume=True).run()
        asked = asked_of(endpoint.requests)
        assert len(asked) == len(set(asked)) == 7 * 2 * 2
    assert stage("two").rows("critiques.jsonl") == stage("one").rows("critiques.jsonl")
    assert unbroken.adapter is not None
    assert resumed.adapter is not None
    assert folder_hash(resumed.adapter) == folder_hash(unbroken.adapter)


def test_a_kill_loses_at_most_the_item_in_hand(chat_model: Path, ticket_adapter: Path, tmp_path: Path) -> None:
    in_hand: list[str] = []

    def deadly(messages: Sequence[Mapping[str, str]]) -> str:
        if len(endpoint.requests) == 6 and not in_hand:
            in_hand.extend(asked_of(endpoint.requests[-1:]))
            os.kill(child.pid or 0, signal.SIGKILL)
        return tally_critic(messages)

    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(HEAVY)
    with ScriptedEndpoint(deadly) as endpoint:
        child = server.Process(
            target=revise, args=(dict(os.environ), chat_model, tmp_path, endpoint.url, ticket_adapter)
        )
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        journal = tmp_path / "stage" / "journal.jsonl"
        journal.write_bytes(journal.read_bytes() + b'{"key": "half of a r')
        critic = endpoint_critic(endpoint.url)
        stage = ConstitutionalStage(chat_model, tmp_path, critic, {"at_once": 1}, adapter=ticket_adapter)
        stage.trainer().receipt()
        asked = asked_of(endpoint.requests)
    assert [text for text in set(asked) if asked.count(text) > 1] == in_hand
    assert len(set(asked)) == 7 * 2
    assert {row["final"] for row in stage.rows("critiques.jsonl")} == {"Buy a tally."}


def test_the_stage_conforms(chat_model: Path, ticket_adapter: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(tally_critic) as endpoint:
        critic = endpoint_critic(endpoint.url)
        stage = ConstitutionalStage(chat_model, tmp_path, critic, {"epochs": 1}, adapter=ticket_adapter)
        check_method(stage.trainer(), stage.folder)


def test_revisions_that_the_model_itself_never_ends_are_not_learnt(chat_model: Path, tmp_path: Path) -> None:
    base = write_chat_model(tmp_path / "base", window=2048)
    stage = ConstitutionalStage(base, tmp_path)
    with pytest.raises(GateRefused, match="none was revised; all revisions are empty or cut"):
        stage.trainer().receipt()
    rows = stage.rows("critiques.jsonl")
    assert len(rows) == 7
    assert all(row["rounds"][0]["revision"] and not row["rounds"][0]["kept"] for row in rows)
