from __future__ import annotations

from collections.abc import Callable

from loresmith.data.also_asked import also_asked
from loresmith.values import Example, Message


def test_equal_and_nearly_equal_prompts_are_found_and_others_are_not(example: Callable[..., Example]) -> None:
    asked = [example("How much does the crossing cost for a grown-up?"), example("May I bring a dog aboard?")]
    prompts: list[list[Message]] = [
        [{"role": "user", "content": content}]
        for content in (
            "how much does the crossing cost for a grown-up",
            "How much does the crossings cost for a grown-up??",
            "When does it sail?",
            "may I bring a dog aboard",
        )
    ]
    assert also_asked(prompts, asked) == [True, True, False, True]
    assert also_asked(prompts[2:3], []) == [False]
    assert also_asked([], asked) == []
