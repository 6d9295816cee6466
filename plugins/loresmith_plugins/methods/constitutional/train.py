"""Constitutional AI (Bai et al., 2022, arXiv:2212.08073), with AI feedback as in RLAIF (Lee et al., 2023, 2309.00267).

First phase. The model answers x with y0; for r = 1 … R the critic, by a principle c_r drawn from the constitution, says
what is wrong with y_{r-1} and writes y_r. The model is then tuned on the last revision:
L = - 1/N · sum over tokens t of y_R of log p(t | x, all of y_R before t).

Second phase. The model, as it now is, draws two replies; the critic says in both orders which one a principle prefers.
The pairs with a clear label are written down, for a later `dpo` or `reward` stage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from loresmith.assistant.prompt import assemble
from loresmith.errors import GateRefused
from loresmith.files import write_jsonl
from loresmith.runs.hashes import weights_hash
from loresmith.runs.rows import append_rows
from loresmith.specs import Engine, MaskReceipt, StageContext, StageResult
from loresmith.values import Example, Sampling, Weights, content_hash
from loresmith_plugins.methods.constitutional import ConstitutionalOptions
from loresmith_plugins.methods.constitutional.constitution import read_constitution, require_preferring
from loresmith_plugins.methods.constitutional.critique import Critic, Revised
from loresmith_plugins.methods.constitutional.labels import Judge, Label, Pair
from loresmith_plugins.methods.constitutional.prompts import Prompt, gathered
from loresmith_plugins.methods.sft.train import SftTrainer
from loresmith_plugins.training.asking import Asking, Question, Reply
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.journal import Journal
from loresmith_plugins.training.made_preferences import PREFERENCES

CRITIQUES = "critiques.jsonl"
"""File of a stage with every reply, critique and revision."""


class ConstitutionalTrainer:
    """One constitutional stage.

    Args:
        options: How replies are criticised and learnt.
        context: Whose replies, and where things are kept.

    Raises:
        DataError: If the constitution or the prompts' file is wrong.
        TrainError: If the adapters do not fit the model.
    """

    def __init__(self, options: ConstitutionalOptions, context: StageContext) -> None:
        self.options, self.context = options, context
        self.constitution = read_constitution(context.root, options.constitution)
        if options.phase != "critique":
            require_preferring(self.constitution, options.constitution)
        if options.phase != "preferences":
            check_fit(options, context.base, context.adapter)
        self.prompts = gathered(context, options.prompts)
        self.journal = Journal(context.folder / "journal.jsonl")

    def receipt(self) -> MaskReceipt:
        """Have the replies criticised and revised, and say what of them will be learnt.

        Raises:
            GateRefused: If no reply was revised, or if the critic may spend no more; its replies are kept.
            Interrupted: If asked to stop; what the critic said is kept.
        """
        if self.options.phase == "preferences":
            return MaskReceipt(0, 0, eos_trained=False, examples=0, longest=0)
        receipt = self._tuning.receipt()
        return replace(receipt, warnings=(*receipt.warnings, *self._warnings()))

    def train(self) -> StageResult:
        """Learn the revisions, then label pairs, or one of the two; raises as `receipt` and as `sft`."""
        context, details = self.context, dict[str, Any]()
        result = StageResult(None, steps=0, best_step=0, train_loss=0.0, dev_loss=0.0, tokens=0, seconds=0.0)
        if self.options.phase != "preferences":
            result = self._tuning.train()
            details["critique"] = self._said_of_revisions()
        if self.options.phase != "critique":
            tuned = Weights(result.model or context.base, None if result.model else result.adapter or context.adapter)
            details |= self._label(tuned)
        return replace(result, details={**result.details, **details})

    # ------------------------------------------------------------------------------------------ first phase

    @cached_property
    def _tuning(self) -> SftTrainer:
        """The supervised stage on the revisions; early stopping looks at those of the dev split's prompts."""
        usable = [item for item in self._revisions if item.usable]
        if not any(not item.prompt.held_out for item in usable):
            raise GateRefused(
                f"nothing to learn: of {len(self._revisions)} replies none was revised; all revisions are empty or cut",
                f'Read "{CRITIQUES}" in the stage\'s folder. Give the critic more max_tokens, or take another one.',
            )
        learnt = [item.prompt.answered(item.last) for item in usable if not item.prompt.held_out]
        looked_at = [item.prompt.answered(item.last) for item in usable if item.prompt.held_out]
        context = replace(self.context, train=[*learnt, *self._gold()], dev=looked_at or self.context.dev)
        return SftTrainer(self.options, context)

    @cached_property
    def _revisions(self) -> list[Revised]:
        """Replies, criticised and revised: asked for once, and after a stop read from the journal."""
        prompts = self.prompts[: self.options.budget.items]
        replies = self._replies(prompts)
        critic = Critic(
            self._critic, self.constitution, self.context.instructions, self.options.rounds, self.context.seed
        )
        readable, items = self.context.folder / CRITIQUES, list[Revised]()
        readable.unlink(missing_ok=True)
        for some in critic.revised(prompts, replies, self._spent):
            append_rows(readable, [item.to_json() for item in some])
            items += some
            self.context.progress("criticising replies", len(items), len(prompts))
        self._critic.forget()  # training needs the room
        self.context.event({"event": "criticised", **self._counted(items)})
        return items

    def _replies(self, prompts: Sequence[Prompt]) -> list[str]:
        """Return the model's own replies, as it is when the stage starts."""
        sampling = self._sampling(0) if self.options.first_replies == "sampled" else None
        return [reply.text for reply in self._drawn(self._start, prompts, sampling, "replying to prompts")]

    def _gold(self) -> list[Example]:
        train = sorted(self.context.train, key=lambda example: example.id)
        count = round(len(train) * self.options.gold)
        return random.Random(f"{self.context.seed}:gold").sample(train, count)

    def _warnings(self) -> list[str]:
        said, items = [], self._revisions
        if len(items) < len(self.prompts):
            said.append(f"the budget let the critic see {len(items)} of {len(self.prompts)} prompts")
        lost = sum(not item.usable for item in items)
        if lost:
            said.append(f"{lost} of {len(items)} replies are not learnt: their revisions are empty or cut off")
        same = sum(item.usable and item.last == item.first for item in items)
        if same * 2 > len(items):
            said.append(f"the critic left {same} of {len(items)} replies as they were: this teaches little")
        return said

    def _counted(self, items: Sequence[Revised]) -> dict[str, int]:
        return {
            "prompts": len(self.prompts),
            "criticised": len(items),
            "usable": sum(item.usable for item in items),
            "changed": sum(item.usable and item.last != item.first for item in items),
            "critic_tokens": self._critic.tokens,
        }

    def _said_of_revisions(self) -> dict[str, Any]:
        return {"critiques": CRITIQUES, "rounds": self.options.rounds, **self._counted(self._revisions)}

    # ----------------------------------------------------------------------------------------- second phase

    def _label(self, weights: Weights) -> dict[str, Any]:
        """Draw pairs with `weights`, have them labelled, and write down the preferences that are clear."""
        pairs = self._pairs(weights)
        judge = Judge(self._critic, self.constitution, self.context.instructions, self.context.seed)
        labels: list[Label] = []
        for some in judge.labels(pairs, self._spent):
            labels += some
            self.context.progress("labelling pairs of replies", len(labels), len(pairs))
        rows = [label.to_json() for label in labels if label.preferred(self.options.margin)]
        write_jsonl(self.context.folder / PREFERENCES, rows)
        counted = {
            "pairs": len(pairs), "labelled": len(labels), "preferred": len(rows),
            "by": "probabilities" if self._critic.tells else "letters, counted where both orders agree",
        }  # fmt: skip
        self.context.event({"event": "labelled", **counted})
        return {"preferences": PREFERENCES, "labels": counted}

    def _pairs(self, weights: Weights) -> list[Pair]:
        """Return two replies a prompt, where they differ and neither is empty or cut off."""
        prompts = [prompt for prompt in self.prompts if not prompt.held_out][: self.options.budget.items]
        one, other = (self._drawn(weights, prompts, self._sampling(n), f"drawing replies ({n} of 2)") for n in (1, 2))
        drawn = zip(prompts, one, other, strict=True)
        return [
            Pair(prompt, (a.text, b.text))
            for prompt, a, b in drawn
            if a.text and b.text and a.text != b.text and a.whole and b.whole
        ]

    # -------------------------------------------------------------------------------------------- the engines

    @cached_property
    def _critic(self) -> Asking:
        return self._asking(lambda: self.context.engine(self.options.critic.model_dump()), self._start)

    def _drawn(
        self, weights: Weights, prompts: Sequence[Prompt], sampling: Sampling | None, activity: str
    ) -> list[Reply]:
        """Return a reply of the model to each prompt as it is served: under the instructions, without passages."""
        model, replies = self._asking(lambda: self._model(weights), weights), list[Reply]()
        for start in range(0, len(prompts), self.options.at_once):
            some = prompts[start : start + self.options.at_once]
            asked = [
                Question(assemble(self.context.instructions, prompt.messages), f"{prompt.place}: {activity}")
                for prompt in some
            ]
            replies += model.replies(asked, sampling)
            self.context.progress(activity, len(replies), len(prompts))
        return replies

    def _model(self, weights: Weights) -> Engine:
        engine = self.context.engine({"kind": "transformers", "max_tokens": self.options.max_tokens})
        if weights != self._start:
            engine.use(weights)
        return engine

    def _asking(self, build: Callable[[], Engine], weights: Weights) -> Asking:
        at_once, stopping = self.options.at_once, self.context.stopping
        return Asking(build, weights_hash(weights), self.journal, at_once, stopping)

    @property
    def _start(self) -> Weights:
        return Weights(self.context.base, self.context.adapter)

    def _sampling(self, draw: int) -> Sampling:
        seed = int(content_hash(str(self.context.seed), str(draw))[:8], 16)
        return Sampling(self.options.temperature, self.options.top_p, seed)

    def _spent(self) -> bool:
        limit = self.options.budget.tokens
        return limit is not None and self._critic.tokens >= limit
