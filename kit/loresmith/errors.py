"""Every error a user can meet, and the exit code it ends with.

    LoresmithError                  1  the work failed
    ├── UsageError                  2  wrong use of a command, or no project here
    ├── ProblemsError               2  several problems found at once
    │   ├── RecipeError             2  the recipe is wrong
    │   └── DataError               2  documents, examples or preferences are wrong
    ├── PluginError                 1
    │   ├── PluginNotFound          2  no plugin offers that name
    │   ├── PluginFailed            1  the plugin that offers it did not load
    │   ├── PluginIncompatible      1  the plugin asks for another API version
    │   └── DuplicateName           1  the name is taken
    ├── MissingExtraError           1  a library of an extra is not installed
    ├── ModelError                  1  a model cannot be found, verified or converted
    │   └── ModelRefused            2  the model is not one that can be used here
    ├── RetrievalError              1
    ├── JournalError                1  the journal of conversations and judgements cannot be used
    ├── TrainError                  1
    ├── LockHeld                    1  another writer is at work in this project
    ├── GateRefused                 3  a gate said no
    └── Interrupted               130  stopped by the user; what was done is kept

A message says what was asked, why it failed, what there is and what to do next. Raised in the core and in plugins;
rendered in one place of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LoresmithError(Exception):
    """Base of all errors that are reported without a traceback."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(LoresmithError):
    """The command was given something it cannot work with."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    Args:
        what: What is wrong, in one sentence.
        file: The file as the user names it.
        line: 1-based line in the file, or 0 where there is none.
        key: Key path in the file (`knowledge.retriever.k`), or an id.
        hint: What to do; often the nearest valid name.
    """

    what: str
    file: str = ""
    line: int = 0
    key: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        head = ": ".join(part for part in (place, self.key) if part)
        text = f"{head}: {self.what}" if head else self.what
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text


class ProblemsError(LoresmithError):
    """Several problems, reported together."""

    exit_code = 2

    def __init__(self, message: str, problems: Sequence[Problem], hint: str = "") -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [self.message, *(f"  {problem}" for problem in self.problems)]
        return "\n".join([*lines, self.hint] if self.hint else lines)


class RecipeError(ProblemsError):
    """The recipe is wrong."""


class DataError(ProblemsError):
    """Documents, examples or preferences are wrong."""


class PluginError(LoresmithError):
    """Something is wrong with a plugin."""


class PluginNotFound(PluginError):
    """No loaded plugin offers the name."""

    exit_code = 2


class PluginFailed(PluginError):
    """The plugin that offers the name failed to load."""


class PluginIncompatible(PluginError):
    """The plugin was made for another version of the plugin API."""


class DuplicateName(PluginError):
    """A plugin registers a name that another has taken."""


class MissingExtraError(LoresmithError):
    """A library that belongs to an optional extra is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is not installed",
            f'It comes with an extra: pip install "loresmith[{extra}]"',
        )


class ModelError(LoresmithError):
    """A model cannot be found, fetched, verified or converted."""


class ModelRefused(ModelError):
    """The model was found, but it is not one that can be used for this."""

    exit_code = 2


class RetrievalError(LoresmithError):
    """The index cannot be built, opened or asked."""


class JournalError(LoresmithError):
    """The journal of conversations and judgements cannot be read or written."""


class TrainError(LoresmithError):
    """Training cannot go on."""


class LockHeld(LoresmithError):
    """Another process writes in this project."""


class GateRefused(LoresmithError):
    """A gate said no: leaking split, nothing to train, proof missing."""

    exit_code = 3


class Interrupted(LoresmithError):
    """The user stopped the work; what was done is kept."""

    exit_code = 130
