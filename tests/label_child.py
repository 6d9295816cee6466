"""Runs `loresmith label` with replies that are drawn without a model, for tests that need a real terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from fake_parts import FakeEngine, fake_assistant
from loresmith.assistant.assistant import Assistant
from loresmith.cli.main import main
from loresmith.labelling import drawing
from loresmith.specs import Progress
from loresmith.values import Completion, Message, Sampling


class DrawingEngine(FakeEngine):
    """Replies differently at every position, as drawn replies do; every second reply is cut off."""

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        assert sampling is not None
        self.calls.append((self.weights, [list(conversation) for conversation in conversations]))
        return [
            Completion(self.reply(f"{place} {sampling.seed} {c[-1]['content']}"), 1, 1, 0.1, place % 2 == 0)
            for place, c in enumerate(conversations)
        ]


def drawing_engine() -> DrawingEngine:
    return DrawingEngine(lambda asked: f"reply {asked.split()[0]} \x1b[31m")


if __name__ == "__main__":

    def opened(_project: Any, _recipe: Any, _host: Any, rung: str, _run: Any, **_: Any) -> Assistant:
        return fake_assistant(rung, drawing_engine())

    drawing.open_assistant = opened  # type: ignore[assignment]
    main(sys.argv[1:])
