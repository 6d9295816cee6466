"""The rooms of the app, and where each is found; their modules are imported when the first screen stands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

BREATH = 0.02
"""Seconds between two modules, in which the screen has its turn."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room: the key that leads to it, its name on the screen, what it is for, and its class.

    Args:
        short: The name where there is little room; the title if not given.
    """

    key: str
    title: str
    tooltip: str
    module: str
    name: str
    short: str = ""

    def load(self) -> Any:
        """Import the module, if that was not done, and return it."""
        return import_module(f"loresmith_tui.screens.{self.module}")

    def open(self) -> Any:
        """Return the screen."""
        return getattr(self.load(), self.name)()


ROOMS: dict[str, Place] = {
    "home": Place("1", "Home", "Project, recipes, recent runs, this machine", "home", "HomeScreen"),
    "assemble": Place("2", "Assemble", "The recipe as a form and as YAML", "assemble", "AssembleScreen", "Assem"),
    "data": Place(
        "3", "Data", "What was read, what is wrong with it, the split, what training sees", "data", "DataScreen"
    ),
    "knowledge": Place(
        "4", "Knowledge", "Index the documents and look into retrieval", "knowledge", "KnowledgeScreen", "Know"
    ),
    "build": Place("5", "Build", "Train and measure; watch it, stop it, go on with it", "build", "BuildScreen"),
    "ladder": Place("6", "Ladder", "How the rungs did, question by question", "ladder", "LadderScreen"),
    "chat": Place("7", "Chat", "Talk to the assistant", "chat", "ChatScreen"),
    "preferences": Place(
        "8", "Preferences", "Rank replies; out come preferences to train on", "preferences", "PreferencesScreen", "Pref"
    ),
    "runs": Place("9", "Runs", "What was built; compare and promote", "runs", "RunsScreen"),
    "plugins": Place("0", "Plugins", "What is loaded and what failed", "plugins", "PluginsScreen", "Plug"),
    "doctor": Place("f2", "Doctor", "What this machine and this installation can do", "doctor", "DoctorScreen", "Doc"),
    "more": Place("f4", "More", "The rooms that plugins bring", "more", "MoreScreen"),
}
"""The rooms by their names, in the order of the line at the top."""


def load_all() -> None:
    """Import the modules of all rooms, one after the other; in a thread, so that no key waits for one of them."""
    for place in ROOMS.values():
        place.load()
        time.sleep(BREATH)
