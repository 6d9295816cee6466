"""The split: which examples teach, which steer, which measure. Frozen before anything is made or trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loresmith import files
from loresmith.data.assign import assign
from loresmith.data.duplicates import find_twins
from loresmith.data.groups import group
from loresmith.data.kept import SIDES, Entry, Kept, Side, example_hash, extend
from loresmith.errors import DataError, Problem
from loresmith.project import Project
from loresmith.recipe.models import Split
from loresmith.values import Example, content_hash

FAR = 0.05
"""A test share that misses what was asked by more than this is remarked on."""


@dataclass(frozen=True, slots=True)
class FrozenSplit:
    """The examples by side, each side in the order the sources gave them.

    Args:
        train: Examples to learn from.
        dev: Examples for early stopping and choices.
        test: Examples held out for the ladder.
        groups: How many groups there are; none straddles two sides.
        remarks: What the user should know about it, one sentence each.
    """

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]
    groups: int
    remarks: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of the test side: equal where ladders can be compared."""
        return content_hash(*sorted(f"{example.id}:{example_hash(example)}" for example in self.test))

    @property
    def shut_out(self) -> frozenset[str]:
        """Documents that ground the dev or the test side."""
        return frozenset(document for example in (*self.dev, *self.test) for document in example.grounding)


def freeze(project: Project, examples: Sequence[Example], options: Split, *, resplit: bool = False) -> FrozenSplit:
    """Return the split of `examples`, frozen in the project at the first call and kept from then on.

    New examples go to the side of their group, those without one to the training side; what was held out stays held
    out.

    Args:
        project: The project whose `split.json` holds the split.
        examples: All examples, ids distinct.
        options: Shares, grouping and seed.
        resplit: Forget the frozen split and make a new one.

    Raises:
        DataError: If there are too few groups for three sides, or the file cannot be read.
        GateRefused: If examples of the test side are gone or changed, the options are others than those frozen, or a
            new example would leak what is held out.
    """
    before = Kept.read(project.split) if project.split.exists() and not resplit else None
    split, after = _placed(before, examples, options)
    if after != before:
        files.write_json(project.split, after.to_json())
    return split


def foreseen(project: Project, examples: Sequence[Example], options: Split) -> tuple[FrozenSplit, Kept]:
    """Return the split as `freeze` would leave it, and what it would keep; writes nothing, raises as `freeze`."""
    return _placed(Kept.read(project.split) if project.split.exists() else None, examples, options)


def _placed(before: Kept | None, examples: Sequence[Example], options: Split) -> tuple[FrozenSplit, Kept]:
    twins = find_twins(examples)
    groups = group(examples, twins, by_document=options.group_by == "grounding")
    sides = extend(before, examples, twins, groups, options) if before else _divide(examples, groups, options)
    return _frozen(examples, groups, sides, options), _kept(examples, groups, sides, options)


def _divide(examples: Sequence[Example], groups: Sequence[Sequence[int]], options: Split) -> dict[str, Side]:
    _require_groups(examples, groups)
    # Sorted by id, so that the order of the sources does not matter.
    ordered = sorted(groups, key=lambda members: min(examples[index].id for index in members))
    counts = [_by_stratum(examples[index] for index in members) for members in ordered]
    dealt = assign(counts, (1 - options.dev - options.test, options.dev, options.test), options.seed)
    return {examples[index].id: SIDES[side] for members, side in zip(ordered, dealt, strict=True) for index in members}


def _by_stratum(examples: Iterable[Example]) -> tuple[int, int]:
    answerable = [example.answerable for example in examples]
    return sum(answerable), len(answerable) - sum(answerable)


def _require_groups(examples: Sequence[Example], groups: Sequence[Sequence[int]]) -> None:
    if len(groups) < len(SIDES):
        what = (
            f"train, dev and test need {len(SIDES)} groups, and {_count(len(examples), 'example')} make "
            f"{_count(len(groups), 'group')}: examples that ask the same or share a grounding document stay together"
        )
        hint = "Add examples on other documents, or set group_by: none and accept that documents are shared."
        raise DataError("the examples cannot be split", [Problem(what, key="data.split", hint=hint)])


def _kept(
    examples: Sequence[Example], groups: Sequence[Sequence[int]], sides: Mapping[str, Side], options: Split
) -> Kept:
    names = {index: min(examples[i].id for i in members) for members in groups for index in members}
    entries = {
        example.id: Entry(example_hash(example), names[index], sides[example.id], example.question[:200])
        for index, example in enumerate(examples)
    }
    return Kept(options, dict(sorted(entries.items())))


def _frozen(
    examples: Sequence[Example], groups: Sequence[Sequence[int]], sides: Mapping[str, Side], options: Split
) -> FrozenSplit:
    train, dev, test = (tuple(e for e in examples if sides[e.id] == side) for side in SIDES)
    got = len(test) / len(examples)
    remarks = []
    if abs(got - options.test) > FAR:
        largest = max(map(len, groups)) / len(examples)
        remarks.append(
            f"asked for {options.test:.0%} of the examples as test, got {got:.0%}: "
            f"the largest group of examples that belong together holds {largest:.0%} of all"
        )
    return FrozenSplit(train, dev, test, len(groups), tuple(remarks))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
