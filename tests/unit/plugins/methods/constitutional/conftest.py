"""Adapters that make the tiny model say what the tests need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from constitutional_stage import ASKED, INSTRUCTIONS, examples
from loresmith.values import Example
from tiny_stage import Stage


@pytest.fixture(scope="session")
def ticket_adapter(chat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with which the model says ticket, whatever it is asked. Only to be read."""
    return taught(chat_model, tmp_path_factory.mktemp("ticket"), examples(ASKED, "Buy a ticket."), epochs=40)


@pytest.fixture(scope="session")
def varied_adapter(chat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with which the model draws one of several replies. Only to be read."""
    replies = ("Buy a ticket.", "A tally.", "Take two.", "Oh, ask us.")
    wanted = [example for reply in replies for example in examples(ASKED, reply)]
    return taught(chat_model, tmp_path_factory.mktemp("varied"), wanted, epochs=12)


def taught(base: Path, folder: Path, wanted: Sequence[Example], epochs: int) -> Path:
    options = {"epochs": epochs, "rank": 8, "batch": 6}
    result = Stage(base, folder, train=wanted, dev=wanted[:1], instructions=INSTRUCTIONS, options=options).run()
    assert result.adapter is not None
    return result.adapter
