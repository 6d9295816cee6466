"""On-policy distillation of probabilities (GKD: Agarwal et al., 2023, arXiv:2306.13649), through TRL's trainer.

The student writes a reply y to each prompt x, and at every token of it the teacher's distribution p is what its own
distribution q is to become. Loss, a mean over the tokens of the replies:

    L = β KL(p ‖ m) + (1 - β) KL(q ‖ m),   m = β p + (1 - β) q,   0 < β < 1

with the limits L = KL(p ‖ q) at β = 0 and L = KL(q ‖ p) at β = 1. No gradient goes through the writing of y.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoConfig, PrinterCallback
from trl import DistillationConfig, DistillationTrainer

from loresmith.errors import GateRefused
from loresmith.files import write_json
from loresmith.runs.hashes import base_hash
from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith.values import Sampling
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.engines.transformers.decode import Decoder
from loresmith_plugins.engines.transformers.load import load_format, load_model, old_names_allowed, window_of
from loresmith_plugins.methods.distill import DistillOptions
from loresmith_plugins.methods.distill.teacher import described, terms_warning
from loresmith_plugins.training.adapters import trainable, trainable_model
from loresmith_plugins.training.checkpoints import fingerprint
from loresmith_plugins.training.outcome import left_behind
from loresmith_plugins.training.prompt_file import read_prompts
from loresmith_plugins.training.rows import encode, served
from loresmith_plugins.training.sampled_prompts import CACHED_TOKENS, draw_seed, prompts_of, schedule
from loresmith_plugins.training.trl_stage import OnStage, TrlStage, as_given, failures_named

SAMPLES = 6
"""Prompts shown in the receipt."""


class LogitsTrainer:
    """One stage under a teacher whose probabilities can be read.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
        teacher: Folder of the teacher, which has the student's vocabulary.
    """

    def __init__(self, options: DistillOptions, context: StageContext, teacher: Path) -> None:
        self.options, self.context, self.teacher = options, context, teacher
        self.chat = load_format(context.base)
        self.window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        room = self.window - options.reply_tokens
        more = read_prompts(context, options.prompts) if options.prompts else []
        self.prompts = prompts_of([*context.train, *more], context.instructions, self.chat, room)
        self.dev = prompts_of(context.dev, context.instructions, self.chat, room)

    def receipt(self) -> MaskReceipt:
        """Say what is read, and how much is trained at most: the student has yet to write what it learns on.

        Raises:
            GateRefused: If there is no prompt.
        """
        if not self.prompts:
            raise GateRefused("nothing would be trained: there is no prompt to reply to", "Add examples, or `prompts`.")
        some = self.prompts[:: max(1, len(self.prompts) // SAMPLES)][:SAMPLES]
        return MaskReceipt(
            trained_tokens=len(self.prompts) * self.options.reply_tokens,
            masked_tokens=sum(len(prompt.ids) for prompt in self.prompts),
            eos_trained=True,
            examples=len(self.prompts),
            longest=max(len(prompt.ids) for prompt in self.prompts) + self.options.reply_tokens,
            samples=tuple(((str(self.chat.tokenizer.decode(list(prompt.ids))), False),) for prompt in some),
            warnings=tuple(terms_warning(self.options.terms)),
        )

    def train(self) -> StageResult:
        """Run the stage: raises `TrainError` when the loss is not finite, `Interrupted` when asked to stop."""
        options, context = self.options, self.context
        about = self._described()
        write_json(context.folder / "teacher.json", about)
        torch.manual_seed(context.seed)
        with failures_named(options), old_names_allowed():
            model = trainable_model(context.base, options, context.adapter)
            weights = trainable(model)
            stage = TrlStage(options, context, self._fingerprint(about))
            with as_given(model):
                trainer = self._trainer(model, stage)
            trainer.stage, trainer.chat = stage, self.chat
            before = trainer.evaluate()["eval_loss"] if self.dev else None
            progress = stage.run(trainer, weights, self._batches())
        after = progress.best_dev if self.dev else None
        rows = encode(context.dev, context.instructions, self.chat, self.window)
        prompts = served(context.dev, context.instructions, self.chat)
        details = {"teacher": about, "dev_divergence": {"before": before, "after": after}}
        return left_behind(stage, model, list(zip(prompts, rows, strict=True)), details)

    def _trainer(self, model: Any, stage: TrlStage) -> Any:
        options = self.options
        settings = stage.settings(
            DistillationConfig,
            beta=options.beta,
            temperature=options.temperature,
            max_completion_length=options.reply_tokens,
        )
        teacher = load_model(self.teacher).model
        trainer: Any = _Distillation(
            model,
            teacher_model=teacher.requires_grad_(False),
            args=settings,
            train_dataset=_dataset(self.prompts),
            eval_dataset=_dataset(self.dev) if self.dev else None,
            processing_class=self.chat.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _batches(self) -> list[list[int]]:
        """Return the prompts of every step, once for each of the parts that TRL cuts a step into."""
        parts = self.options.accumulation
        steps = schedule(len(self.prompts), self.options.batch * parts, self.options.epochs, self.context.seed)
        even = [step[: len(step) // parts * parts] for step in steps]
        return [step for step in even if step for _ in range(parts)]

    def _described(self) -> dict[str, Any]:
        about = described(self.options.teacher, base_hash(self.teacher))
        return {"teacher": about, "terms": self.options.terms.strip()}

    def _fingerprint(self, about: Mapping[str, Any]) -> str:
        prompts = [prompt.ids for prompt in (*self.prompts, *self.dev)]
        return fingerprint(self.context, self.options, [about["teacher"]["identity"], prompts])


class _Distillation(OnStage, DistillationTrainer):
    """TRL's trainer on prompts that are token ids already, and on replies that our own decoder draws."""

    chat: ChatFormat
    _seen = 0

    def _tokenize_prompts(self, prompts: list[list[int]]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return prompts, None, {}

    def _generate_single_turn(self, prompt_ids: Sequence[Sequence[int]], *_: Any, **__: Any) -> list[list[int]]:
        """Draw a reply to each prompt; to dev prompts always the same where the weights are."""
        learning, seed = self.model.training, self.args.seed
        sampling = Sampling(self.args.temperature, seed=draw_seed(seed, self.state.global_step) if learning else seed)
        self.model.eval()
        decoder = Decoder(self.model, self.chat.eos_ids, self.args.max_completion_length, CACHED_TOKENS, sampling)
        rows = decoder.decode([list(ids) for ids in prompt_ids])
        self.model.train(learning)
        return [[*row.reply, *(() if row.end is None else (row.end,))] for row in rows]

    def evaluate(self, *args: Any, **named: Any) -> dict[str, float]:
        """Measure the dev prompts, and say how far it is."""
        self._seen = 0
        found: dict[str, float] = super().evaluate(*args, **named)
        return found

    def prediction_step(self, model: Any, inputs: Any, *args: Any, **named: Any) -> Any:
        """Measure some dev prompts."""
        found = super().prediction_step(model, inputs, *args, **named)
        self._seen += len(inputs)
        self.stage.context.progress("measuring the dev prompts", self._seen, len(self.eval_dataset))
        return found


def _dataset(prompts: Any) -> Any:
    return Dataset.from_dict({"prompt": [list(prompt.ids) for prompt in prompts]})
