"""The teacher: who it is, what its terms allow by the user's word, and what it answers, each prompt asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loresmith.runs.hashes import weights_hash
from loresmith.specs import Engine, StageContext
from loresmith.values import Weights
from loresmith_plugins.training.asking import Asking, Question, Reply
from loresmith_plugins.training.journal import Journal

IDENTIFYING = ("kind", "base", "url", "model")
"""Settings of an engine that say who it is. Others may hold what is nobody's business."""


class Teacher:
    """Answers questions, and keeps each answer on the disk before the next ones are asked for.

    Args:
        wanted: The engine as the recipe names it.
        context: The stage that is taught.
        at_once: Conversations given to the engine at a time.
    """

    def __init__(self, wanted: Mapping[str, Any], context: StageContext, at_once: int) -> None:
        self._wanted, self._context, self._at_once = wanted, context, at_once
        self._identity = ""

    def replies(self, questions: Sequence[Question]) -> list[Reply]:
        """Return the replies in order; what an earlier try was told is not asked again.

        Raises:
            DataError: If questions do not fit the teacher's window.
            Interrupted: If the user wants to stop; what was answered is kept.
            GateRefused: If the engine may spend no more; what it replied is kept.
        """
        context = self._context
        journal = Journal(context.folder / "replies.jsonl")
        asking = Asking(self._engine, self._own_weights(), journal, self._at_once, context.stopping)
        found: list[Reply] = []
        for start in range(0, len(questions), self._at_once):
            found += asking.replies(questions[start : start + self._at_once])
            context.progress("asking the teacher", len(found), len(questions))
        return found

    def described(self) -> dict[str, Any]:
        """Return who the teacher is; `identity` is known once it was asked."""
        about = described(self._wanted, self._identity)
        own = {"base": self._context.base.name, "weights": "those the stage started from"}
        return about if self._elsewhere else {**about, **own}

    def _engine(self) -> Engine:
        engine = self._context.engine(self._wanted)
        self._identity = engine.identity
        return engine

    @property
    def _elsewhere(self) -> bool:
        return any(self._wanted.get(name) for name in ("base", "url"))

    def _own_weights(self) -> str:
        """Return the hash of what the student is where it teaches itself; an engine's identity does not tell."""
        return "" if self._elsewhere else weights_hash(Weights(self._context.base, self._context.adapter))


def described(wanted: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """Return who a teacher is: what the recipe says of it but its other settings, and the hash of the engine."""
    return {**{name: wanted[name] for name in IDENTIFYING if name in wanted}, "identity": identity}


def terms_warning(terms: str) -> list[str]:
    """Warn where the user says nothing about what the teacher's terms allow."""
    said = (
        "nothing says that the teacher's terms allow training another model on what it writes, and many do not; look "
        "them up and write what they say under `terms`, which is kept with the run"
    )
    return [] if terms.strip() else [said]
