"""What must stay on one side of the split: examples with a common document, and examples that ask the same."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.data.duplicates import Twins
from loresmith.values import Example


def group(examples: Sequence[Example], twins: Twins, *, by_document: bool) -> list[list[int]]:
    """Return the positions of the examples in groups.

    Args:
        examples: All examples.
        twins: Which of them ask the same.
        by_document: Join examples that share a grounding document; without it only duplicates are joined.
    """
    joined = _Union(len(examples))
    for positions in twins.asked.values():
        joined.join(*positions)
    for one, other in twins.near:
        joined.join(twins.asked[one][0], twins.asked[other][0])
    if by_document:
        first: dict[str, int] = {}
        for position, example in enumerate(examples):
            joined.join(position, *(first.setdefault(document, position) for document in example.grounding))
    return joined.groups()


class _Union:
    """Union-find with path halving."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def join(self, first: int, *others: int) -> None:
        for other in others:
            self._parent[self._root(other)] = self._root(first)

    def groups(self) -> list[list[int]]:
        members: dict[int, list[int]] = {}
        for position in range(len(self._parent)):
            members.setdefault(self._root(position), []).append(position)
        return list(members.values())

    def _root(self, position: int) -> int:
        parent = self._parent
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position
