"""Runs `loresmith chat` on fakes in a process of its own, for tests that need a real terminal or pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fake_parts import FakeEngine, fake_assistant
from loresmith.assistant.assistant import Assistant
from loresmith.cli.commands import ask, chat
from loresmith.cli.main import main
from loresmith.errors import UsageError
from loresmith.values import Message


class TalkingEngine(FakeEngine):
    """Says how many turns it was handed; is slow, and ill-mannered, when asked to be."""

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        question = messages[-1]["content"].splitlines()[-1]
        if "slow" in question:
            yield "first words"
            time.sleep(60)
        yield f"{len(messages)} turns, 9.40 marks"
        yield " \x1b[31m" if "rude" in question else ""
        yield " [1]."


def open_fake(
    _project: Any, _recipe: Any, _host: Any, rung: str | None, _run: str | None, *_: Any, **__: Any
) -> Assistant:
    if rung == "tuned":
        raise UsageError('rung "tuned" needs training, and nothing is built yet', "Run `loresmith build`.")
    return fake_assistant(rung or "rag", TalkingEngine(), notes=["the index is older"] if rung == "hybrid" else [])


if __name__ == "__main__":
    Path("assistant.yaml").touch()
    ask.open_assistant = chat.open_assistant = open_fake  # type: ignore[assignment]
    main(sys.argv[1:])
