"""What is chosen: chunker, fusion, k and floor one after the other, each kept as it is unless another is proven better.

A setting's score on a question is the share of its grounding documents among the hits that fit the text which the
recipe hands over now (k chunks of its chunker): a larger chunk must earn the room it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from loresmith.ladder.stats import Difference, paired_difference
from loresmith.tuning.trials import DEPTH, Found, Question, Setting, Trials

SIZES = (0.5, 0.75, 1.5, 2.0)
"""Chunk sizes tried, times the recipe's."""

WEIGHTS = ((1.0, 0.25), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0), (0.25, 1.0))
"""Weights of vectors and words tried."""

A_CHUNK = 0.01
"""Share of the questions for which a further chunk must find a document, or it is not worth reading."""

LOST = 0.02
"""Share of the answerable questions that a floor may turn away."""

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Tried:
    """A value that was tried: its score, and how it compares with what the recipe has."""

    value: str
    score: float
    against: Difference | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one part.

    Args:
        part: The part: chunker, fusion, k or floor.
        before: What the recipe has.
        chosen: What to take.
        why: Why, in words.
        options: The options of `chunker` or `retriever` to set, by part and name; empty where all stays.
        tried: All that was tried.
    """

    part: str
    before: str
    chosen: str
    why: str
    options: dict[str, dict[str, Any]]
    tried: list[Tried]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `tune --json` prints."""
        return asdict(self)


Report = Callable[[str, int, int], None]


class Chooser:
    """Chooses settings.

    Args:
        trials: Tries settings.
        questions: Questions that the documents answer.
        unanswerable: Queries of questions that they do not.
        k: Hits the recipe hands over.
        floor: Its floor.
        seed: Seed of the bootstrap.
        report: Told how far it is.
    """

    def __init__(
        self,
        trials: Trials,
        questions: Sequence[Question],
        unanswerable: Sequence[str],
        k: int,
        floor: float | None,
        seed: int,
        report: Report,
    ) -> None:
        self._trials, self._questions, self._unanswerable = trials, list(questions), list(unanswerable)
        self._k, self._floor_now, self._seed, self._report = k, floor, seed, report
        self._room = 0.0

    def choices(self, setting: Setting, chunkers: Sequence[Setting], fields: frozenset[str]) -> Iterator[Choice]:
        """Yield what is chosen, part by part; each part is chosen with the choices before it.

        Args:
            setting: What the recipe has, every option spelled out, without its floor.
            chunkers: The same with other chunkers.
            fields: Names of the retriever's options.
        """
        self._room = self._k * self._length(setting)
        chunker, setting = self._better("chunker", setting, chunkers, _chunker_text)
        yield chunker
        if {"dense", "bm25"} <= fields:
            fusion, setting = self._better("fusion", setting, list(_fusions(setting, fields)), _fusion_text)
            yield fusion
        k = self._enough(setting)
        yield k
        by_ranks = setting.retriever.options.get("fusion") == "ranks"
        if "floor" in fields and self._unanswerable and not by_ranks:
            yield self._floor(setting)

    def _length(self, setting: Setting) -> float:
        return fmean(len(chunk.text) for chunk in self._trials.chunks(setting))

    def _fitting(self, setting: Setting) -> int:
        """Return how many chunks of a setting fit the room."""
        return max(1, min(DEPTH, round(self._room / self._length(setting))))

    def _scores(self, setting: Setting) -> list[float]:
        k = self._fitting(setting)
        found = self._trials.found(setting, [question.query for question in self._questions])
        return [each.recall(question, k) for each, question in zip(found, self._questions, strict=True)]

    def _better(
        self, part: str, setting: Setting, others: Sequence[Setting], text: Callable[[Setting], str]
    ) -> tuple[Choice, Setting]:
        """Return the best of some settings if its interval against the present one is above 0, else the present one."""
        self._report(f"trying {part}", 0, len(others) + 1)
        own = self._scores(setting)
        tried = [Tried(text(setting), fmean(own), None)]
        best: tuple[float, Setting, Difference] | None = None
        for n, other in enumerate(others, 1):
            scores = self._scores(other)
            against = paired_difference(scores, own, RESAMPLES, self._seed)
            tried.append(Tried(text(other), fmean(scores), against))
            if against.low > 0 and (best is None or fmean(scores) > best[0]):
                best = fmean(scores), other, against
            self._report(f"trying {part}", n + 1, len(others) + 1)
        before = text(setting)
        if best is None:
            return Choice(part, before, before, "nothing that was tried is proven better", {}, tried), setting
        _, chosen, against = best
        why = f"finds {_points(against)} more of the documents in the same room"
        return Choice(part, before, text(chosen), why, _options(setting, chosen), tried), chosen

    def _enough(self, setting: Setting) -> Choice:
        """Return the k beyond which a further chunk finds too little."""
        found = self._trials.found(setting, [question.query for question in self._questions])
        most = min(DEPTH, max(8, 2 * self._fitting(setting)))
        scores = {k: self._recalls(found, k) for k in range(1, most + 1)}
        before = self._fitting(setting)
        worth = {k: fmean(values) - A_CHUNK * k for k, values in scores.items()}
        best = max(worth, key=lambda k: (worth[k], -k))
        tried = [
            Tried(str(k), fmean(values), paired_difference(values, scores[before], RESAMPLES, self._seed))
            for k, values in scores.items()
        ]
        against = tried[best - 1].against
        assert against is not None
        if best == before:
            why = f"fewer find less, and no further chunk finds a document for {A_CHUNK:.0%} of the questions"
        elif best > before:
            why = f"finds {_points(against)} more of the documents, at least {A_CHUNK:.0%} a chunk"
        else:
            why = f"finds {_points(against)} of the documents, and the chunks beyond less than {A_CHUNK:.0%} each"
        options = {"retriever": {"k": best}} if best != self._k else {}
        return Choice("k", str(self._k), str(best), why, options, tried)

    def _recalls(self, found: Sequence[Found], k: int) -> list[float]:
        return [each.recall(question, k) for each, question in zip(found, self._questions, strict=True)]

    def _floor(self, setting: Setting) -> Choice:
        """Return the highest floor that turns away few answerable questions, if it turns away others at all."""
        self._report("trying floors", 0, 1)
        answerable = [each.best for each in self._trials.found(setting, [q.query for q in self._questions])]
        others = [each.best for each in self._trials.found(setting, self._unanswerable)]
        floor = sorted(answerable)[int(LOST * len(answerable))]
        turned = [float(best < floor) for best in others]
        against = paired_difference(turned, [0.0] * len(turned), RESAMPLES, self._seed, binary=True)
        lost = fmean(best < floor for best in answerable)
        self._report("trying floors", 1, 1)
        now = "none" if self._floor_now is None else f"{self._floor_now:g}"
        tried = [Tried(f"{floor:.3g}", fmean(turned), against)]
        if against.low <= 0:
            return Choice("floor", now, now, "scores do not tell the questions apart", {}, tried)
        why = f"turns away {fmean(turned):.0%} of the questions without an answer, and {lost:.0%} of those with one"
        return Choice("floor", now, f"{floor:.3g}", why, {"retriever": {"floor": round(floor, 3)}}, tried)


def sized(setting: Setting, size: int, smallest: int) -> Iterator[Setting]:
    """Yield a setting with other chunk sizes; an overlap shrinks and grows with them."""
    overlap = setting.chunker.options.get("overlap")
    for times in SIZES:
        other = max(smallest, round(size * times / 10) * 10)
        more = {"overlap": round(overlap * times)} if overlap else {}
        if other != size:
            yield setting.with_options("chunker", size=other, **more)


def _fusions(setting: Setting, fields: frozenset[str]) -> Iterator[Setting]:
    present = {name: setting.retriever.options.get(name) for name in ("dense", "bm25", "fusion")}
    for dense, bm25 in WEIGHTS:
        kinds = ("scores", "ranks") if "fusion" in fields and (dense, bm25) == (1.0, 1.0) else (None,)
        for kind in kinds:
            wanted = {"dense": dense, "bm25": bm25, **({"fusion": kind} if kind else {})}
            if any(present[name] != value for name, value in wanted.items()):
                yield setting.with_options("retriever", **wanted)


def _options(before: Setting, after: Setting) -> dict[str, dict[str, Any]]:
    """Return the options that another setting of the same kinds changes."""
    changed = {}
    for part in ("chunker", "retriever"):
        old, new = getattr(before, part), getattr(after, part)
        wanted = {name: value for name, value in new.options.items() if old.options.get(name) != value}
        if new.kind != old.kind:
            wanted = {"kind": new.kind, **new.options}
        if wanted:
            changed[part] = wanted
    return changed


def _chunker_text(setting: Setting) -> str:
    options = ", ".join(f"{name} {value}" for name, value in setting.chunker.options.items())
    return f"{setting.chunker.kind} {options}".strip()


def _fusion_text(setting: Setting) -> str:
    options = setting.retriever.options
    return f"{options['fusion']} " * ("fusion" in options) + f"dense {options['dense']:g}, bm25 {options['bm25']:g}"


def _points(difference: Difference) -> str:
    return f"{100 * difference.delta:+.1f} points [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"
