from __future__ import annotations

from pathlib import Path

import pytest

from app_driver import opened, said, text_of, until, until_shown
from loresmith.files import read_jsonl
from loresmith.journal.conversations import Conversation
from loresmith.journal.judgements import DrawnReply, Judgements
from loresmith.labelling.ranking import shown_order
from loresmith.project import Project
from loresmith.values import Answer, Trace
from loresmith_tui.widgets.replies import ReplyBox


def drawn(folder: Path, *counts: int, text: str = "reply") -> None:
    judgements = Judgements(Project(folder))
    for number, count in enumerate(counts):
        replies = [DrawnReply(f"{text} {n}", whole=n < 2) for n in range(count)]
        judgements.add(f"{text}{number}", [{"role": "user", "content": f"Question {number}?"}], replies)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["narrow", "wide"])
async def test_keys_rank_and_the_recipe_takes_the_pairs_in(own: Path, size: tuple[int, int]) -> None:
    drawn(own, 3, 2, 4, 2)
    talk = Conversation(Project(own))
    talk.add("Cats?", Answer("[red]No[/red] \x1b[31m", [], False, "tuned", Trace()))
    talk.judge(0, liked=False)
    async with opened(own, size) as pilot:
        await pilot.press("8")
        await until_shown(pilot, "Question 0?", "4 wait, 0 ranked", "1 judged in chat")
        boxes = [box for box in pilot.app.screen.query(ReplyBox) if box.display]
        assert len({box.region.y for box in boxes}) == (1 if size[0] > 100 else 3)
        await pilot.press("2")
        await until_shown(pilot, "rank 1")
        await pilot.press("u", "3", "1")
        await until_shown(pilot, "Question 1?", "3 wait, 1 ranked")
        await pilot.press("t")
        await until_shown(pilot, "Question 2?", "cut off")
        await pilot.press("s")
        await until_shown(pilot, "Question 3?", "1 skipped")
        await pilot.press("u")
        await until_shown(pilot, "Question 2?", "0 skipped")
        await pilot.press("4", "equals_sign", "2", "enter")
        await until_shown(pilot, "Question 3?", "3 ranked")
        await pilot.click(ReplyBox, offset=(2, 1))
        await until_shown(pilot, "Nothing waits to be ranked", "4 ranked")
        await pilot.press("l")
        await until_shown(pilot, "not liked", "[red]No[/red] \\x1b[31m")
        await pilot.press("escape", "e")
        await until_shown(pilot, "data/labelled.jsonl", "Add to its data.preferences")
        await pilot.press("y")
        await until(pilot, lambda: "takes it in" in said(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "takes them in already" in said(pilot))
    recipe = (own / "assistant.yaml").read_text()
    assert "data/labelled.jsonl" in recipe
    assert "data/liked.jsonl" in recipe
    rows = read_jsonl(own / "data" / "labelled.jsonl")
    assert len(rows) == 3 + 4 + 1
    order = shown_order(Judgements(Project(own)).judged()[0].task)
    assert (rows[0]["chosen"], rows[0]["rejected"]) == (f"reply {order[2]}", f"reply {order[0]}")


async def test_replies_are_drawn_beside_by_a_process_of_its_own_and_come_while_one_looks(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("8")
        await until_shown(pilot, "Nothing waits to be ranked", "3 replies each to 20 questions, by the rung tuned")
        await pilot.press("o")
        await until_shown(pilot, "How shall replies be drawn?")
        await pilot.press("enter")
        await until_shown(pilot, "How many?")
        await pilot.press("up", "enter")
        await until_shown(pilot, "2 replies each")
        pilot.app.screen.labelling.questions = 3
        await pilot.press("d")
        await until_shown(pilot, "x stops")
        await until(pilot, lambda: Judgements(Project(own)).counts().waiting == 3, "three tasks")
        await until_shown(pilot, "the best first", "3 wait")
        await until(pilot, lambda: "drew replies to 3 questions" in said(pilot))
        await pilot.press("v")
        await until_shown(pilot, "--- user ---")
        await pilot.press("escape")
        task = Judgements(Project(own)).next()
        assert task
        assert {(len(task.replies), reply.rung) for reply in task.replies} == {(2, "tuned")}


async def test_where_nothing_is_to_be_ranked_the_digits_lead_to_their_rooms(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("8")
        await until_shown(pilot, "Nothing waits to be ranked")
        await pilot.press("u", "x", "l")
        await until(pilot, lambda: "nothing to undo" in said(pilot) and "No replies are being drawn" in said(pilot))
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.current_mode == "data")


async def test_a_damaged_journal_is_told_with_what_to_do(own: Path) -> None:
    Project(own).journal.write_bytes(b"no database" * 100)
    async with opened(own) as pilot:
        await pilot.press("8")
        await until(pilot, lambda: "move it away" in " ".join(text_of(pilot).split()))
