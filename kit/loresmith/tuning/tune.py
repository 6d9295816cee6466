"""`tune`: gathers what is tuned on, has settings chosen, and writes the choice into the recipe if asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loresmith.data.reading import read_documents, read_examples
from loresmith.data.split import FrozenSplit, freeze
from loresmith.errors import DataError, Problem, UsageError
from loresmith.files import write_text
from loresmith.host import PluginHost
from loresmith.knowledge.parts import Parts
from loresmith.knowledge.queries import condensed_by_rule
from loresmith.options import Options
from loresmith.project import Project
from loresmith.recipe.components import resolve
from loresmith.recipe.edit import with_values
from loresmith.recipe.models import Component, Recipe
from loresmith.recipe.positions import KeyPath
from loresmith.specs import ChunkerSpec, RetrieverSpec, Spec
from loresmith.tuning.choosing import Choice, Chooser, Report, sized
from loresmith.tuning.trials import Question, Setting, Trials
from loresmith.tuning.vectors import TextVectors
from loresmith.values import Example

FEWEST = 10
"""Questions below which nothing can be told apart."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning did.

    Args:
        questions: Questions with known grounding, of the train and dev sides, that settings were compared on.
        unanswerable: Questions that the documents do not answer.
        choices: What was chosen, part by part.
        embedded: Texts that had to be embedded.
        written: Whether the recipe was changed.
    """

    questions: int
    unanswerable: int
    choices: list[Choice]
    embedded: int
    written: bool

    def to_json(self) -> dict[str, Any]:
        """Return the object that `tune --json` prints."""
        return asdict(self)


def tune(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    report: Report,
    *,
    chunkers: Sequence[str] = (),
    write: bool = False,
) -> Tuned:
    """Choose retrieval settings on the train and dev sides of the split, which is frozen first if it is not yet.

    Args:
        project: The project.
        recipe: Its recipe.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model by its name.
        report: Told how far it is.
        chunkers: Further chunkers to try, with their defaults.
        write: Write what was chosen into the recipe.

    Raises:
        DataError: If too few questions have a known grounding.
        UsageError: If the recipe has several knowledge bases, or a retriever without `k`.
    """
    knowledge = recipe.knowledge
    if knowledge.sources is None or knowledge.bases:
        raise UsageError(
            "tuning knows one knowledge base, and the recipe has several", "Tune them in recipes of their own."
        )
    examples = read_examples(host.registry, recipe.data.examples, project.root)
    split = freeze(project, examples, recipe.data.split)
    questions, unanswerable = _asked(split)
    retriever, floor = _spelled_out(host, RetrieverSpec, knowledge.retriever)
    setting = Setting(_spelled_out(host, ChunkerSpec, knowledge.chunker)[0], retriever)
    if "k" not in retriever.options:
        raise UsageError(f'the retriever "{retriever.kind}" has no option `k` to tune')

    def parts(base: Any) -> Parts:
        return Parts(base, host.registry, resolve_model)

    documents = read_documents(host.registry, knowledge.sources, project.root)
    vectors = TextVectors(project.state / "tuning", parts(knowledge).embedder)
    trials = Trials(knowledge, documents, parts, vectors, lambda done, total: report("embedding", done, total))
    chooser = Chooser(trials, questions, unanswerable, retriever.options["k"], floor, recipe.seed, report)
    others = [*_sizes(host, setting), *(_other(host, setting, name) for name in chunkers)]
    choices = list(chooser.choices(setting, others, frozenset(retriever.options)))
    return Tuned(len(questions), len(unanswerable), choices, vectors.embedded, write and _write(project, choices))


def _asked(split: FrozenSplit) -> tuple[list[Question], list[str]]:
    """Return the questions that settings are compared on; none of them is of the test side."""
    seen = (*split.train, *split.dev)
    grounded = [example for example in seen if example.answerable and example.grounding]
    if len(grounded) < FEWEST:
        what = f"{len(grounded)} questions of the train and dev sides say which documents ground their answer"
        raise DataError(
            "there is too little to tune on",
            [Problem(what, hint=f"Give `grounding` to {FEWEST} examples or more.")],
        )
    return [_question(example) for example in grounded], [
        condensed_by_rule(example.prompt) for example in seen if not example.answerable
    ]


def _question(example: Example) -> Question:
    return Question(condensed_by_rule(example.prompt), frozenset(example.grounding))


def _spelled_out(host: PluginHost, spec_type: type[Spec], component: Component) -> tuple[Component, float | None]:
    """Return a component with all its options, and apart from them its floor."""
    _, options = resolve(host.registry, spec_type, component)
    values = options.model_dump(mode="json")
    floor = values.get("floor")
    if "floor" in values:
        values["floor"] = None
    return Component(kind=component.kind, **values), floor


def _sizes(host: PluginHost, setting: Setting) -> Iterator[Setting]:
    """Yield the recipe's chunker with other sizes, as far as its options allow them."""
    spec = host.registry.get(ChunkerSpec, setting.chunker.kind)
    size = setting.chunker.options.get("size")
    if not isinstance(size, int):
        return
    for other in sized(setting, size, 10):
        if _allowed(spec.options, other.chunker):
            yield other


def _allowed(options: type[Options], component: Component) -> bool:
    try:
        options.model_validate(component.options)
    except ValueError:
        return False
    return True


def _other(host: PluginHost, setting: Setting, name: str) -> Setting:
    return Setting(_spelled_out(host, ChunkerSpec, Component(kind=name))[0], setting.retriever)


def _write(project: Project, choices: Sequence[Choice]) -> bool:
    values: dict[KeyPath, Any] = {}
    for choice in choices:
        for part, options in choice.options.items():
            if "kind" in options:
                # The options of another kind would be left over.
                values["knowledge", part] = options
            else:
                values |= {("knowledge", part, name): value for name, value in options.items()}
    if values:
        text = project.recipe.read_bytes().decode("utf-8-sig")
        write_text(project.recipe, with_values(text, values))
    return bool(values)
