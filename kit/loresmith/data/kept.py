"""The split as it was frozen: its file, and what is refused when the examples have changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from loresmith import files
from loresmith.data.duplicates import Twins
from loresmith.errors import DataError, GateRefused, Problem
from loresmith.recipe.models import Split
from loresmith.values import Example, content_hash

Side = Literal["train", "dev", "test"]
SIDES: tuple[Side, ...] = ("train", "dev", "test")
VERSION = 1
SHOWN = 20
RESPLIT = (
    "Undo the change, or freeze a new split with `loresmith build --resplit`; "
    "what was measured on the old one can then no longer be compared."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One example of the frozen split: hash of all that is measured of it, group, side, and how the question begins."""

    hash: str
    group: str
    side: Side
    question: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What `split.json` holds: the options and, by example id, the entries."""

    options: Split
    entries: Mapping[str, Entry]

    @classmethod
    def read(cls, path: Path) -> Kept:
        """Read the file.

        Raises:
            DataError: If it is not a split of this version.
        """
        try:
            raw = files.read_json(path)
            if raw["version"] != VERSION:
                raise ValueError(f"version {raw['version']}, not {VERSION}")
            entries = {id_: Entry(**entry) for id_, entry in raw["examples"].items()}
            return cls(Split.model_validate(raw["options"]), entries)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"not a split that can be read ({type(error).__name__}: {error})"
            raise DataError("the frozen split is damaged", [Problem(what, file=str(path), hint=RESPLIT)]) from error

    def to_json(self) -> dict[str, Any]:
        """Return what is written."""
        entries = {id_: asdict(entry) for id_, entry in self.entries.items()}
        return {"version": VERSION, "options": self.options.model_dump(), "examples": entries}


def example_hash(example: Example) -> str:
    """Return the hash of all that is measured of an example: conversation, grounding, whether it is answerable."""
    return content_hash(example.id, *example.grounding, str(example.answerable))


def extend(
    kept: Kept, examples: Sequence[Example], twins: Twins, groups: Sequence[Sequence[int]], options: Split
) -> dict[str, Side]:
    """Return the side of each example: what was frozen stays, what is new follows its group or learns.

    Raises:
        GateRefused: If the options or the test side changed, or a new example would leak what is held out.
    """
    _require_same_options(kept.options, options)
    _require_same_test(kept, examples)
    frozen = {e.id: kept.entries[e.id].side for e in examples if _unchanged(kept, e)}
    _require_no_twin_of_test(twins, examples, frozen)
    sides = _follow(examples, groups, frozen)
    empty = [side for side in SIDES if side not in sides.values()]
    if empty:
        raise GateRefused(f"no example is left on the {' and the '.join(empty)} side of the frozen split", RESPLIT)
    return sides


def _unchanged(kept: Kept, example: Example) -> bool:
    entry = kept.entries.get(example.id)
    return entry is not None and entry.hash == example_hash(example)


def _require_same_options(frozen: Split, asked: Split) -> None:
    before, after = frozen.model_dump(), asked.model_dump()
    changed = [f"{key} {before[key]} → {after[key]}" for key in before if before[key] != after[key]]
    if changed:
        raise GateRefused(f"the split is frozen, and data.split asks for another: {', '.join(changed)}", RESPLIT)


def _require_same_test(kept: Kept, examples: Sequence[Example]) -> None:
    now = {example.id: example for example in examples}
    test = {id_: entry for id_, entry in kept.entries.items() if entry.side == "test"}
    lines = [f'gone or reworded: "{e.question}" ({id_})' for id_, e in test.items() if id_ not in now]
    lines += [
        f"{now[id_].place or id_}: grounding or answerable changed"
        for id_, entry in test.items()
        if id_ in now and entry.hash != example_hash(now[id_])
    ]
    if lines:
        raise GateRefused(
            f"the test set is frozen, and {len(lines)} of its {len(test)} examples changed" + _list(lines), RESPLIT
        )


def _require_no_twin_of_test(twins: Twins, examples: Sequence[Example], frozen: Mapping[str, Side]) -> None:
    groups = [*twins.asked.values(), *(twins.asked[a] + twins.asked[b] for a, b in twins.near)]
    found: dict[str, None] = {}
    for positions in groups:
        rows = [examples[position] for position in positions]
        held = next((row for row in rows if frozen.get(row.id) == "test"), None)
        if held is not None:
            new = (row for row in rows if row.id not in frozen)
            found |= dict.fromkeys(f"{_name(row)}: asks the same as {_name(held)}, which is held out" for row in new)
    _refuse_leak(found)


def _follow(
    examples: Sequence[Example], groups: Sequence[Sequence[int]], frozen: Mapping[str, Side]
) -> dict[str, Side]:
    sides = dict(frozen)
    torn: dict[str, None] = {}
    for members in groups:
        rows = [examples[position] for position in members]
        there = sorted({frozen[row.id] for row in rows if row.id in frozen}, key=SIDES.index)
        new = [row for row in rows if row.id not in frozen]
        if new and len(there) > 1:
            torn |= dict.fromkeys(
                f"{_name(row)}: its documents or its question tie {' and '.join(there)} together" for row in new
            )
        sides |= dict.fromkeys((row.id for row in new), there[0] if there else "train")
    _refuse_leak(torn)
    return sides


def _refuse_leak(lines: Mapping[str, None]) -> None:
    if lines:
        what = "a new example leaks" if len(lines) == 1 else f"{len(lines)} new examples leak"
        raise GateRefused(f"{what} what is held out" + _list(lines), f"Take the rows out. {RESPLIT}")


def _name(example: Example) -> str:
    return example.place or f'"{example.question[:80]}" ({example.id})'


def _list(lines: Iterable[str]) -> str:
    all_lines = list(lines)
    more = [f"and {len(all_lines) - SHOWN} more"] if len(all_lines) > SHOWN else []
    return "".join(f"\n  {line}" for line in [*all_lines[:SHOWN], *more])
