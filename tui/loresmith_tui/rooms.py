"""The rooms of the app, and where each is found; a room's module is imported when it is entered."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A room: the key that leads to it, its name on the screen, what it is for, and its class."""

    key: str
    title: str
    tooltip: str
    module: str
    name: str

    def open(self) -> Any:
        """Return the screen."""
        return getattr(import_module(f"loresmith_tui.screens.{self.module}"), self.name)()


ROOMS: dict[str, Place] = {
    "home": Place("1", "Home", "Project, recipes, recent runs, this machine", "home", "HomeScreen"),
    "knowledge": Place("2", "Knowledge", "Index the documents and look into retrieval", "knowledge", "KnowledgeScreen"),
    "build": Place("3", "Build", "Train and measure; watch it, stop it, go on with it", "build", "BuildScreen"),
    "ladder": Place("4", "Ladder", "How the rungs did, question by question", "ladder", "LadderScreen"),
    "chat": Place("5", "Chat", "Talk to the assistant", "chat", "ChatScreen"),
    "runs": Place("6", "Runs", "What was built; compare and promote", "runs", "RunsScreen"),
    "plugins": Place("7", "Plugins", "What is loaded and what failed", "plugins", "PluginsScreen"),
    "doctor": Place("8", "Doctor", "What this machine and this installation can do", "doctor", "DoctorScreen"),
}
