"""A student on what a teacher wrote: the lesson first, then a supervised stage on it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from loresmith.files import write_json
from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith_plugins.engines.transformers.load import load_format
from loresmith_plugins.methods.distill import DistillOptions
from loresmith_plugins.methods.distill.lesson import Lesson, lesson_of
from loresmith_plugins.methods.distill.teacher import terms_warning
from loresmith_plugins.methods.distill.two_tasks import TwoTasksTrainer
from loresmith_plugins.methods.sft.train import SftTrainer


class DistillTrainer:
    """One stage on the replies or the reasons of a teacher, which is asked when the receipt is.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.
    """

    def __init__(self, options: DistillOptions, context: StageContext) -> None:
        self.options, self.context = options, context

    def receipt(self) -> MaskReceipt:
        """Ask the teacher and say what its student learns; raises as `lesson_of` and `SftTrainer.receipt`."""
        found = self._student.receipt()
        warnings = (*terms_warning(self.options.terms), *self._lesson.warnings, *found.warnings)
        return replace(found, warnings=warnings)

    def train(self) -> StageResult:
        """Run the stage: raises as `SftTrainer.train`."""
        result = self._student.train()
        return replace(result, details={**result.details, **self._lesson.told})

    @cached_property
    def _lesson(self) -> Lesson:
        lesson = lesson_of(self.options, self.context, load_format(self.context.base))
        write_json(self.context.folder / "teacher.json", lesson.told)
        return lesson

    @cached_property
    def _student(self) -> SftTrainer:
        taught = replace(self.context, train=self._lesson.train, dev=self._lesson.dev)
        if self._lesson.reasons:
            return TwoTasksTrainer(self.options, taught, self._lesson.reasons)
        return SftTrainer(self.options, taught)
