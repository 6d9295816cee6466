"""Whether two models speak the same tokens, told from their files alone: nothing is loaded for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loresmith.errors import ModelRefused
from loresmith.files import file_hash, read_json

Vocabulary = dict[str, int]

_OTHER_FILES = ("tokenizer.model", "vocab.json", "vocab.txt", "added_tokens.json", "tekken.json")
"""Where a vocabulary stands in folders without a tokenizer.json."""


def require_same_vocabulary(student: Path, teacher: Path, name: str) -> None:
    """Refuse a teacher whose token ids do not mean what the student's do.

    Args:
        student: Folder of the student.
        teacher: Folder of the teacher.
        name: The teacher as the recipe names it.

    Raises:
        ModelRefused: If vocabularies or the sizes of the output layers differ, or if the files do not tell.
    """
    why = _tokens_differ(student, teacher) or _sizes_differ(student, teacher)
    if why:
        raise ModelRefused(
            f'the teacher "{name}" and the student "{student.name}" do not share a vocabulary: {why}',
            "kind: logits compares the probabilities of the same tokens; with this teacher use kind: replies, or take "
            "a teacher of the student's own family.",
        )


def _tokens_differ(student: Path, teacher: Path) -> str:
    files = [folder / "tokenizer.json" for folder in (student, teacher)]
    if all(file.is_file() for file in files):
        return _difference(*(vocabulary_of(read_json(file)) for file in files))
    ours, theirs = (_hashes(folder) for folder in (student, teacher))
    if not ours or not theirs:
        return "their folders do not hold the same kind of tokenizer files"
    return "" if ours == theirs else "their tokenizer files differ"


def vocabulary_of(tokenizer: dict[str, Any]) -> Vocabulary:
    """Return the id of each token of a tokenizer.json, with those that were added."""
    tokens = tokenizer["model"]["vocab"]
    listed = isinstance(tokens, list)  # of a unigram model, with the scores
    known = {token: i for i, (token, _) in enumerate(tokens)} if listed else dict(tokens)
    return known | {added["content"]: added["id"] for added in tokenizer.get("added_tokens", [])}


def _difference(student: Vocabulary, teacher: Vocabulary) -> str:
    different = sorted(student.items() ^ teacher.items(), key=lambda item: (item[1], item[0]))
    if not different:
        return ""
    token = different[0][0]
    ids = [f"id {known[token]} of the {whose}" if token in known else f"no token of the {whose}"
           for known, whose in ((student, "student"), (teacher, "teacher"))]  # fmt: skip
    return (
        f"the student has {len(student):,} tokens and the teacher {len(teacher):,}; the first that differs, "
        f"{token!r}, is {' and '.join(ids)}"
    )


def _sizes_differ(student: Path, teacher: Path) -> str:
    ours, theirs = (_size(read_json(folder / "config.json")) for folder in (student, teacher))
    if ours == theirs:
        return ""
    return f"their tokens are the same, but the student's output layer has {ours} rows and the teacher's {theirs}"


def _size(config: dict[str, Any]) -> int | None:
    size = config.get("text_config", {}).get("vocab_size", config.get("vocab_size"))
    return None if size is None else int(size)


def _hashes(folder: Path) -> dict[str, str]:
    return {name: file_hash(folder / name) for name in _OTHER_FILES if (folder / name).is_file()}
