"""The rungs of a build: the same held-out questions through each, answers kept as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.citations import without_marks
from loresmith.assistant.taught import Taught
from loresmith.building.materials import Materials
from loresmith.building.probing import Probing
from loresmith.data.split import FrozenSplit
from loresmith.errors import DataError, Problem
from loresmith.knowledge.lookup import Lookup
from loresmith.modelstore.store import Report
from loresmith.recipe.components import resolve
from loresmith.recipe.models import Component, Recipe
from loresmith.rungs import PARTS
from loresmith.runs.hashes import data_hash, value_hash, weights_hash
from loresmith.runs.run import Run
from loresmith.specs import Engine, EngineSpec, Metric, MetricSpec, ProbingMetric, ScoredAnswer
from loresmith.values import Answer, Example, Weights

Probes = Mapping[str, Mapping[str, float | None]]
"""Scores of metrics that ask again, by metric and id of the question."""

KEPT_TOGETHER = 256
"""Answers generated before they are written; a kill loses at most these."""


@dataclass(frozen=True)
class Measuring:
    """Runs rungs over the held-out questions.

    Args:
        materials: What the build is made from.
        split: The frozen split; only its test side is asked.
        run: Where answers go.
        lookup: The door to the live index.
        report: Told how far a rung is.
    """

    materials: Materials
    split: FrozenSplit
    run: Run
    lookup: Lookup
    report: Report

    @cached_property
    def metrics(self) -> list[tuple[MetricSpec, Metric]]:
        """The recipe's metrics, the decisive one first."""
        built = []
        for entry in self.materials.recipe.evaluation.metrics:
            component = Component(kind=entry) if isinstance(entry, str) else entry
            spec, options = resolve(self.materials.host.registry, MetricSpec, component)
            built.append((spec, spec.build(options)))
        return built

    @cached_property
    def taught(self) -> Taught:
        """Demonstrations and declines, from the training split alone."""
        recipe = self.materials.recipe
        taught = Taught.of(self.split.train, recipe.few_shot, recipe.data.split.seed)
        taught.write(self.run.folder)
        return taught

    @cached_property
    def engine(self) -> Engine:
        """The engine, loaded when the first rung needs it and shared by all."""
        spec, options = resolve(self.materials.host.registry, EngineSpec, self.materials.recipe.engine)
        return spec.build(options, self.materials.base)

    def rung(self, name: str) -> None:
        """Measure a rung, or take its answers where the same was measured before."""
        key = self._key(name)
        if self.run.done(f"eval:{name}", key):
            return
        if not self._taken_over(name, key):
            self._ask(name, key)
        self.run.finish_answers(name, key, [example.id for example in self.split.test])
        self.run.mark(f"eval:{name}", key)

    def _ask(self, name: str, key: str) -> None:
        have = {row["id"] for row in self.run.answers(name, key)}
        left = [example for example in self.split.test if example.id not in have]
        total = len(self.split.test)
        assistant = self._assistant(name)
        probes = self._probed(name)
        for start in range(0, len(left), KEPT_TOGETHER):
            part = left[start : start + KEPT_TOGETHER]
            done = total - len(left) + start
            self.report(f"asking {name}", done, total)
            try:
                answers = assistant.answer([example.prompt for example in part], self._progress(name, done, total))
            except DataError as error:
                raise DataError(f"rung {name}: {error.message}", _placed(error.problems, part)) from error
            rows = [self._row(e, a, probes) for e, a in zip(part, answers, strict=True)]
            self.run.append_answers(name, rows, key)

    def _probed(self, name: str) -> Probes:
        """Return the scores of metrics that ask again, by metric and question; rungs without passages have none."""
        probing = [(spec, metric) for spec, metric in self.metrics if isinstance(metric, ProbingMetric)]
        if not probing or not PARTS[name].passages:
            return {spec.name: {} for spec, _ in probing}
        asking = Probing(self.lookup, partial(self._assistant, name), self.scored, self.report)
        found, receipts = asking.scores(probing, self.split.test)
        for metric, receipt in receipts.items():
            self.run.write_receipt(metric, {**self.run.receipts().get(metric, {}), name: receipt})
        return found

    def _progress(self, name: str, done: int, total: int) -> Callable[[int, int], None]:
        return lambda now, _: self.report(f"asking {name}", done + now, total)

    def asked(self, examples: Sequence[Example], rung: str, weights: Weights) -> Iterator[tuple[Example, Answer]]:
        """Yield examples with their answers the way of a rung, with any weights; nothing is kept."""
        activity = f"asking the dev split ({rung})"
        answers = self._assistant(rung, weights=weights).answer(
            [example.prompt for example in examples], lambda done, total: self.report(activity, done, total)
        )
        yield from zip(examples, answers, strict=True)

    def scored(self, example: Example, answer: Answer, metric: Metric) -> float | None:
        """Return the score of an answer."""
        return metric.score(_seen(example, answer))

    def forget_engine(self) -> None:
        """Let go of the engine and its memory; the next rung loads it again."""
        self.__dict__.pop("engine", None)

    def _assistant(self, name: str, lookup: Lookup | None = None, weights: Weights | None = None) -> Assistant:
        return Assistant(
            engine=self.engine,
            lookup=lookup or self.lookup,
            rung=name,
            instructions=self.materials.recipe.instructions,
            demonstrations=self.taught.demonstrations,
            weights=weights or self.run.weights_of(name),
            declines=self.taught.declines,
            host=self.materials.host,
            citations=self.materials.recipe.citations,
        )

    def _row(self, example: Example, answer: Answer, probes: Probes) -> dict[str, Any]:
        scored = _seen(example, answer)
        scores = {
            spec.name: probes[spec.name].get(example.id) if spec.name in probes else metric.score(scored)
            for spec, metric in self.metrics
        }
        return {
            "id": example.id,
            "stratum": "answerable" if example.answerable else "unanswerable",
            "question": example.question,
            "gold": example.reply,
            "answer": answer.answer,
            "citations": [asdict(citation) for citation in answer.citations],
            "refused": answer.refused,
            "scores": scores,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "seconds": round(answer.seconds, 4),
        }

    def _key(self, name: str) -> str:
        """Return the hash of all that shapes the answers of a rung and their scores."""
        recipe, parts, hashes = self.materials.recipe, PARTS[name], self.run.manifest.hashes
        weights = self.run.weights_of(name)
        _, engine = resolve(self.materials.host.registry, EngineSpec, recipe.engine)
        return value_hash([
            name, recipe.instructions, recipe.engine.kind, engine.model_dump(), hashes["base"],
            [e if isinstance(e, str) else e.model_dump() for e in recipe.evaluation.metrics],
            data_hash(self.split.test), list(self.taught.declines.wanted),
            data_hash(self.taught.demonstrations) if parts.demonstrations else None,
            [hashes["index"], _looked_up(recipe)] if parts.passages else None,
            weights_hash(weights) if weights else None,
        ])  # fmt: skip

    def _taken_over(self, name: str, key: str) -> bool:
        """Take the answers of the same measurement from an earlier run of this project."""
        for other in Run.all(self.materials.project):
            if other.id != self.run.id and other.done(f"eval:{name}", key):
                rows: Sequence[dict[str, Any]] = other.answers(name)
                if {row["id"] for row in rows} == {example.id for example in self.split.test}:
                    have = {row["id"] for row in self.run.answers(name, key)}
                    self.run.append_answers(name, [row for row in rows if row["id"] not in have], key)
                    self.run.event({"event": "taken over", "step_of": f"eval:{name}", "from": other.id})
                    return True
        return False


def _looked_up(recipe: Recipe) -> list[Any]:
    """Return what shapes the passages of a prompt, and what becomes of a reply's citations."""
    knowledge = recipe.knowledge
    bases = [base.retriever.model_dump() for _, base in sorted(knowledge.bases.items())]
    reranker = knowledge.reranker.model_dump() if knowledge.reranker else None
    shaping = [knowledge.queries.model_dump(), reranker, bases, knowledge.injection, recipe.citations]
    return [knowledge.retriever.model_dump(), shaping]


def _seen(example: Example, answer: Answer) -> ScoredAnswer:
    """Return what a metric sees of an answer."""
    cited = tuple(dict.fromkeys(citation.document for citation in answer.citations))
    return ScoredAnswer(example, without_marks(answer.answer), cited, answer.refused)


def _placed(problems: Sequence[Problem], asked: Sequence[Example]) -> list[Problem]:
    """Name the file and line of a question where an engine could only count it."""
    places = {f"question {n}": example.place.rpartition(":") for n, example in enumerate(asked, 1)}
    return [
        replace(problem, file=places[problem.key][0], line=int(places[problem.key][2] or 0), key="")
        if problem.key in places and places[problem.key][2].isdecimal()
        else problem
        for problem in problems
    ]
