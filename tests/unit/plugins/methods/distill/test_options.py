"""Options that do not go together are refused when the recipe is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from loresmith_plugins.methods.distill import DistillOptions

LOCAL = {"kind": "transformers", "base": "smollm2-135m"}
REMOTE = {"kind": "openai", "url": "https://api.example", "model": "m"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "replies"}, "a teacher is wanted"),
        ({"kind": "replies", "teacher": {"base": "m"}}, "a teacher is wanted"),
        ({"kind": "rationales"}, "a teacher is wanted"),
        ({"kind": "rationales", "rationales": "a.jsonl", "teacher": LOCAL}, "leave one out"),
        ({"kind": "logits", "teacher": REMOTE}, "takes its weights on this machine"),
        ({"kind": "logits", "teacher": {"kind": "transformers"}}, "takes its weights on this machine"),
        ({"kind": "logits", "teacher": LOCAL, "longest": 3}, 'longest belongs to "kind: replies"'),
        ({"kind": "logits", "teacher": LOCAL, "packing": True}, 'packing belongs to "kind: replies"'),
        ({"kind": "replies", "teacher": LOCAL, "beta": 0.1}, 'beta belongs to "kind: logits"'),
        ({"kind": "rationales", "teacher": LOCAL, "passages": 2}, 'passages belongs to "kind: replies"'),
        ({"kind": "replies", "teacher": LOCAL, "objective": "documents"}, "objective"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DistillOptions.model_validate(options)


def test_files_that_shape_the_outcome_are_named() -> None:
    more = DistillOptions(kind="replies", teacher=LOCAL, prompts="more.jsonl", mix={"path": "general.jsonl"})
    assert more.files() == ("general.jsonl", "more.jsonl")
    assert DistillOptions(kind="rationales", rationales="why.jsonl").files() == ("why.jsonl",)


def test_what_methods_share_goes_with_every_kind() -> None:
    for kind in ("replies", "rationales", "logits"):
        options = DistillOptions(kind=kind, teacher=LOCAL, rank=4, epochs=1, accumulation=2, terms="MIT")
        assert (options.rank, options.passages) == (4, 0)
