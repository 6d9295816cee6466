"""The tokens by which chat templates tell turns apart, as they may stand in a text that only poses as a turn."""

from __future__ import annotations

import re

_CONTROL_TOKEN = re.compile(
    r"<[|｜]|[|｜]>|</?s>|</?(?:bos|eos|pad|unk|mask)>|</?(?:start|end)_of_(?:turn|image)>|\[/?INST\]|<</?SYS>>|"
    r"\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|</?(?:tool_call|tool_response|think)>",
    re.IGNORECASE,
)


def without_control_tokens(text: str) -> str:
    """Return a text in which every control token is split by a space, so that no template takes it for one.

    For text that is handed to a template out of our sight: an endpoint may read control tokens where we sent words.
    """
    return _CONTROL_TOKEN.sub(lambda m: f"{m[0][0]} {m[0][1:]}", text)
