"""A constitutional stage on a tiny model, and a scripted critic."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from loresmith.files import read_jsonl
from loresmith.specs import Engine, StageContext, StageResult
from loresmith.testing import stage_context
from loresmith.values import Example, Weights
from loresmith_plugins.engines.openai import OpenAIOptions
from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel
from loresmith_plugins.methods.constitutional import ConstitutionalOptions
from loresmith_plugins.methods.constitutional.conversations import REPLY_ALONE
from loresmith_plugins.methods.constitutional.train import ConstitutionalTrainer

INSTRUCTIONS = "You answer for the ferry."
PRINCIPLES: tuple[dict[str, Any], ...] = (
    {
        "name": "tally",
        "critique": "Does it say the word of other lines?",
        "revision": "Say the word of this line.",
        "preference": "Which reply keeps to our words?",
    },
    {"name": "polite", "critique": "Is it polite?", "revision": "Make it polite."},
)
ASKED = ("When?", "Where to?", "How much?", "A dog too?", "By car?", "And children?")
HELD_OUT = ("Is it far?", "Who steers?", "What for?", "On Sunday?")


def examples(questions: Sequence[str], answer: str) -> list[Example]:
    return [
        Example.of([{"role": "user", "content": q}, {"role": "assistant", "content": answer}], place=f"asked:{n}")
        for n, q in enumerate(questions, 1)
    ]


def tally_critic(messages: Sequence[Mapping[str, str]]) -> str:
    """Criticise, and revise by putting tally in the place of ticket: what a good critic would do."""
    if not messages[-1]["content"].endswith(REPLY_ALONE):
        return "It says ticket." if "ticket" in criticised(messages[-1]) else "It is well."
    return criticised(messages[-3]).replace("ticket", "tally") or "A tally."


def criticised(request: Mapping[str, str]) -> str:
    """Return the reply that a request to criticise holds."""
    return request["content"].rpartition("\n\n")[0].rpartition("\nAssistant: ")[2]


@dataclass
class ConstitutionalStage:
    """What a constitutional stage is built from; `events` holds what it reported."""

    base: Path
    root: Path
    critic: Mapping[str, Any] = field(default_factory=lambda: {"kind": "transformers", "max_tokens": 24})
    options: Mapping[str, Any] = field(default_factory=dict)
    principles: Sequence[Mapping[str, Any]] = PRINCIPLES[:1]
    adapter: Path | None = None
    train: Sequence[Example] = field(default_factory=lambda: examples(ASKED, "One ticket."))
    dev: Sequence[Example] = field(default_factory=lambda: examples(("Why?",), "One ticket."))
    resume: bool = False
    stopping: Callable[[], bool] = lambda: False
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "stage"

    def trainer(self) -> ConstitutionalTrainer:
        self.folder.mkdir(parents=True, exist_ok=True)
        constitution = {"principles": [dict(principle) for principle in self.principles]}
        (self.root / "constitution.yaml").write_text(yaml.safe_dump(constitution), encoding="utf-8")
        defaults = {
            "constitution": "constitution.yaml", "critic": dict(self.critic), "max_tokens": 16, "epochs": 2,
            "batch": 3, "learning_rate": 0.01, "patience": 1000,
        }  # fmt: skip
        return ConstitutionalTrainer(
            ConstitutionalOptions.model_validate(defaults | dict(self.options)), self.context()
        )

    def context(self) -> StageContext:
        return stage_context(
            self.base,
            self.folder,
            adapter=self.adapter,
            instructions=INSTRUCTIONS,
            train=self.train,
            dev=self.dev,
            resume=self.resume,
            engine=self.engine,
            event=lambda event: self.events.append(dict(event)),
            stopping=self.stopping,
            trained=lambda _stage, _run: self.folder,
        )

    def engine(self, wanted: Mapping[str, Any]) -> Engine:
        """Build an engine as a run does: a local one has the weights the stage starts from."""
        settings = {key: value for key, value in wanted.items() if key != "kind"}
        if wanted["kind"] == "openai":
            return OpenAIChatModel.of(OpenAIOptions.model_validate(settings))
        local = TransformersChatModel.load(self.base, max_tokens=settings["max_tokens"], batch_tokens=8192)
        local.use(Weights(adapter=self.adapter))
        return local

    def run(self) -> StageResult:
        trainer = self.trainer()
        trainer.receipt()
        return trainer.train()

    def rows(self, name: str) -> list[dict[str, Any]]:
        return read_jsonl(self.folder / name)


def revise(environment: Mapping[str, str], base: Path, root: Path, url: str, adapter: Path) -> None:
    """Have an endpoint revise replies one by one; the work of a process that gets killed."""
    os.environ.clear()
    os.environ.update(environment)
    ConstitutionalStage(base, root, endpoint_critic(url), {"at_once": 1}, adapter=adapter).trainer().receipt()


def endpoint_critic(url: str, **options: Any) -> dict[str, Any]:
    """Return a critic behind an endpoint that keeps nothing: what it is asked twice, it is asked twice."""
    return {"kind": "openai", "url": url, "model": "scripted", "cache": False, **options}


def asked_of(requests: Sequence[Any]) -> list[str]:
    """Return what an endpoint was asked, one text a request."""
    return [json.dumps(request.body, sort_keys=True) for request in requests]
