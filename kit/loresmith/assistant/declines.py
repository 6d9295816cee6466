"""Is a reply a refusal? Told by the declines that a recipe's own examples teach, and by phrases anybody would use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from loresmith.assistant.citations import without_marks
from loresmith.evidence.sentences import sentences
from loresmith.values import Example
from loresmith.words import words

LIKENESS = 0.6
"""Token F1 with a wanted decline from which a reply is one."""

PLAIN = "The documents do not say."
"""How an assistant declines whose examples never do."""

_THERE = r"(?:documents?|passages?|texts?|sources?|context|papers?|information (?:given|provided|available))"
_PHRASES = re.compile(
    r"\b(?:i|we) (?:do not|dont) (?:know|have (?:any |that |this |enough |the )*information)\b"
    rf"|\b(?:is|are|was|were) not (?:\w+ ){{0,2}}(?:in|by) the (?:\w+ )?{_THERE}\b"
    rf"|\b{_THERE} (?:do|does|did) not (?:say|mention|state|tell|answer|cover|contain|provide|include|give)\b"
    r"|(?:^|\b(?:i|we) (?:am |are |was |were )?)(?:cannot|can not|cant|could not|couldnt|unable to) (?:find|answer)\b"
    r"|\b(?:there is )?no (?:such )?information (?:about|on|regarding|is (?:given|available|provided))\b"
)


class Declines:
    """Tells refusals from answers.

    Args:
        wanted: Replies that decline, as the training examples have them. Repetitions are kept once.
    """

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        self.wanted = tuple(dict.fromkeys(text.strip() for text in wanted if text.strip()))
        self._whole = [Counter(words(text)) for text in self.wanted]
        self._first = [Counter(words(_first_sentence(text))) for text in self.wanted]

    @property
    def usual(self) -> str:
        """How the assistant declines by itself: as the examples do first, or in plain words."""
        return self.wanted[0] if self.wanted else PLAIN

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Declines:
        """Learn the declines of examples; pass those of the training split only."""
        return cls(example.reply for example in examples if not example.answerable)

    def matches(self, text: str) -> bool:
        """Whether a reply declines: much like a wanted decline, or with a phrase of refusal in its first sentence.

        The first sentence has to be alike as well: what follows it (whom to ask) often ends ordinary answers too.
        """
        bare = without_marks(text)
        first = _first_sentence(bare)
        if _PHRASES.search(" ".join(words(first))):
            return True
        whole_words, first_words = Counter(words(bare)), Counter(words(first))
        return any(
            _f1(whole_words, whole) >= LIKENESS and _f1(first_words, opening) >= LIKENESS
            for whole, opening in zip(self._whole, self._first, strict=True)
        )


def _first_sentence(text: str) -> str:
    return next((text[start:end] for start, end in sentences(text)), "")


def _f1(one: Counter[str], other: Counter[str]) -> float:
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0
