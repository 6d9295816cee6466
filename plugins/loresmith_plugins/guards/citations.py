"""Checks the citations of every answer before it is shown; costs no model call."""

from __future__ import annotations

from loresmith.hooks import hookimpl
from loresmith.values import Answer, Chunk, Trace


@hookimpl
def check_answer(answer: Answer, trace: Trace) -> None:
    """Check each citation, repair what another passage of the prompt supports, and mark the rest as unsupported.

    Goes by the setting `citations` of the trace: `off` leaves the answer as the model wrote it.
    """
    if answer.refused or not trace.passages or trace.settings.get("citations", "mark") == "off":
        return
    from loresmith.assistant.checking import checked  # its rules are compiled where an answer is checked

    passages = [
        Chunk(p["chunk"], p["document"], p["start"], p["end"], p["text"], p.get("title", "")) for p in trace.passages
    ]
    result = checked(answer.answer, passages, _said_by_user(trace))
    answer.answer, answer.citations, trace.checks = result.text, result.citations, result.checks


def _said_by_user(trace: Trace) -> str:
    """Return the questions of the conversation, without the passages that the prompt puts before the last."""
    earlier = [message["content"] for message in trace.prompt[:-1] if message["role"] == "user"]
    return "\n".join([*earlier, trace.question])
