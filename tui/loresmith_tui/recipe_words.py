"""What is said of a recipe while it is edited: its state, and what is known of a row and wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.errors import Problem
from loresmith.recipe.form import Row
from loresmith_tui.assembling import Draft, Look
from loresmith_tui.form_values import default_of
from loresmith_tui.shown import one_line, plain, signs


def state_line(draft: Draft, look: Look) -> str:
    """Return whether the recipe is saved, and whether it is right."""
    parts = [draft.project.recipe.name, "unsaved" if draft.unsaved else "saved"]
    if draft.changed_on_disk:
        parts.append("changed on disk meanwhile")
    problems = look.problems
    if look.rows is None:
        parts.append(f"{signs().bad} line {problems[0].line}: {problems[0].what}")
    elif problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        parts.append(f"{signs().bad} {count}: F8 goes there")
    else:
        parts.append(f"{signs().good} right")
    return one_line(f" {signs().dot} ".join(parts))


def about(row: Row | None, wrong: Sequence[Problem]) -> str:
    """Return what a row takes, and what is wrong there or else what it is for."""
    lines = [f"{signs().bad} {_told(problem)}" for problem in wrong]
    if row is None:
        return plain("\n".join(lines))
    return plain("\n".join([_headline(row), *(lines or [row.help])]))


def _headline(row: Row) -> str:
    if row.shape in ("list", "bases"):
        return f"{row.where}   a: add   Delete: take out   J, K: move down, up"
    if row.shape == "part":
        return f"{row.where}   Enter: another one   Space: its options"
    default = "required" if row.required else "" if row.default is None else f"default {default_of(row)}"
    return "   ".join(filter(None, [row.where, row.takes, default]))


def _told(problem: Problem) -> str:
    text = f"{problem.key}: {problem.what}" if problem.key else problem.what
    return f"{text.rstrip('.')}. {problem.hint}" if problem.hint else text
