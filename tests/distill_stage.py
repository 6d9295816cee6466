"""A student that is taught on tiny models, and how far it is from its teacher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.specs import Engine, StageContext, Trainer
from loresmith.values import Example
from loresmith_plugins.methods.distill import DistillOptions, _build
from tiny_stage import EXAMPLES, INSTRUCTIONS, Stage, example, plain_model

TERMS = "Apache-2.0, read on the day of the test"
TAUGHT = tuple(example(one.question, one.reply.upper()) for one in EXAMPLES)
"""What the trained teacher says."""


@dataclass
class Lesson(Stage):
    """A stage of the method; the teacher's engine is counted as it is asked."""

    asked: int = 0

    def __post_init__(self) -> None:
        self.others = {"engine": self._engine, "model": Path, **self.others}

    def trainer(self, context: StageContext | None = None) -> Trainer:  # type: ignore[override]
        defaults = {"epochs": 2, "batch": 4, "learning_rate": 0.01, "patience": 1000, "terms": TERMS}
        return _build(DistillOptions.model_validate(defaults | self.options), context or self.context())

    def run(self) -> Any:
        trainer = self.trainer()
        trainer.receipt()
        return trainer.train()

    def _engine(self, wanted: Mapping[str, Any]) -> Engine:
        from loresmith_plugins.engines.openai import OpenAIOptions
        from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
        from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

        settings = {name: value for name, value in wanted.items() if name != "kind"}
        if wanted["kind"] == "openai":
            return OpenAIChatModel.of(OpenAIOptions(**settings))
        base = Path(settings.pop("base", self.base))
        engine = TransformersChatModel.load(base, max_tokens=40, batch_tokens=4096)
        complete = engine.complete

        def counted(conversations: Sequence[Any], *rest: Any, **named: Any) -> Any:
            self.asked += len(conversations)
            return complete(conversations, *rest, **named)

        object.__setattr__(engine, "complete", counted)
        return engine


def write_teacher(folder: Path, base: Path) -> Path:
    """Write a model with the base's vocabulary that has learnt to reply in capitals."""
    stage = Stage(
        base,
        folder / "stage",
        train=TAUGHT,
        dev=TAUGHT[:1],
        options={"epochs": 20, "rank": 16, "batch": 8, "learning_rate": 0.02},
    )
    model = plain_model(base, stage.run().adapter).merge_and_unload()
    model.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / "model" / name).write_bytes((base / name).read_bytes())
    return folder / "model"


def distance(teacher: Path, base: Path, adapter: Path | None, examples: Sequence[Example]) -> float:
    """Return the mean KL(teacher || student) in nats over the tokens of the examples' replies."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    models = [plain_model(teacher, None), plain_model(base, adapter)]
    divergences = []
    for one in examples:
        prompt = (
            f"<|im_start|>system\n{INSTRUCTIONS}<|im_end|>\n"
            f"<|im_start|>user\n{one.question}<|im_end|>\n<|im_start|>assistant\n"
        )
        read, reply = (tokenizer.encode(text) for text in (prompt, f"{one.reply}<|im_end|>"))
        with torch.no_grad():
            p, q = (m(torch.tensor([read + reply])).logits[0, len(read) - 1 : -1].log_softmax(-1) for m in models)
        divergences.append((p.exp() * (p - q)).sum(-1))
    return float(torch.cat(divergences).mean())


@contextmanager
def heavy_forbidden() -> Iterator[None]:
    """Let nothing be loaded while the block lasts: neither weights nor tokenizers."""
    import transformers

    kinds = (transformers.AutoModelForCausalLM, transformers.AutoTokenizer, transformers.AutoConfig)
    own = [kind.from_pretrained for kind in kinds]

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("something was loaded")

    for kind in kinds:
        kind.from_pretrained = refuse
    try:
        yield
    finally:
        for kind, real in zip(kinds, own, strict=True):
            kind.from_pretrained = real
