"""More prompts than the examples have: a JSON Lines file of rows with a `prompt`, a text or a conversation."""

from __future__ import annotations

from pathlib import Path

from loresmith.data.also_asked import asked
from loresmith.errors import DataError
from loresmith.specs import StageContext
from loresmith.values import Example
from loresmith_plugins.sources.jsonl_lines import read_objects
from loresmith_plugins.sources.jsonl_row import BadRow, Row


def read_prompts(context: StageContext, file: str) -> list[Example]:
    """Return the prompts of a file as examples whose reply is still empty, each once.

    Left out are those that the training examples ask too, and those that the ladder or early stopping asks.

    Args:
        context: The stage that wants them.
        file: Path relative to the project.

    Raises:
        DataError: With every row that is wrong, or if there is no row at all.
    """
    read = _read(context.root, file)
    known = {asked(example.prompt) for example in context.train}
    found: dict[str, Example] = {}
    for example, held_back in zip(read, context.also_asked([one.prompt for one in read]), strict=True):
        if not held_back and asked(example.prompt) not in known:
            found.setdefault(asked(example.prompt), example)
    return list(found.values())


def _read(root: Path, file: str) -> list[Example]:
    objects, problems = read_objects(root / Path(file).expanduser(), file)
    found = []
    for line, data in objects:
        row = Row(file, line, data)
        try:
            found.append(_example(row))
        except BadRow:
            problems += row.problems
    if problems:
        raise DataError("prompts cannot be read", sorted(problems, key=lambda problem: problem.line))
    return found


def _example(row: Row) -> Example:
    row.only({"prompt"})
    prompt = row.prompt("prompt")
    row.check()
    return Example.of([*prompt, {"role": "assistant", "content": ""}], place=row.place)
