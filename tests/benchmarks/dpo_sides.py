"""The two sides of `bench_train.py --method dpo`: Loresmith's `dpo` and TRL's DPOTrainer with its defaults.

Both go on from the same adapter (fresh, so that the reference is the base) on the same pairs in the same batches, with
the same rates. Time is taken from before the reference log-probabilities, which one side computes once and the other at
every step, to the end of the last step; tokens are those of both replies, each with its prompt.
"""

from __future__ import annotations

import json
import math
import resource
import time
from pathlib import Path
from typing import Any

BATCH = 8
AT_ONCE = 4
"""Pairs of a step that Loresmith computes at once; TRL, with activations computed twice, takes all of them."""
RATE = 5e-4
BETA = 0.1
SEED = 1
HELD_OUT = 17


def preferences() -> list[Any]:
    """Return the pairs of the sample domain."""
    from loresmith.recipe.shipped import recipes_dir
    from loresmith.values import Preference

    lines = (recipes_dir() / "harbour-desk/data/preferences.jsonl").read_text().splitlines()
    return [
        Preference(str(n), ({"role": "user", "content": row["prompt"]},), row["chosen"], row["rejected"])
        for n, row in enumerate(map(json.loads, lines))
    ]


def peak_megabytes() -> float:
    """Return the most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fresh_adapter(base: Path, folder: Path) -> Path:
    """Write the adapter that both sides start from."""
    import torch

    from loresmith_plugins.training.adapters import save_adapter, trainable_model
    from loresmith_plugins.training.options import AdapterOptions

    torch.manual_seed(SEED)
    save_adapter(trainable_model(base, AdapterOptions(), None), folder / "fresh", base.name)
    return folder / "fresh"


def run_loresmith(steps: int, base: Path, instructions: str, folder: Path) -> dict[str, float]:
    """Make `steps` steps with Loresmith."""
    from loresmith.testing import stage_context
    from loresmith_plugins.methods.dpo import DpoOptions
    from loresmith_plugins.methods.dpo.train import DpoTrainer

    times: list[float] = []
    peaks: list[float] = []
    tokens: list[int] = []

    class FromReference(DpoTrainer):
        def _add_reference(self, *given: Any) -> None:
            times.append(time.perf_counter())
            super()._add_reference(*given)

    def event(row: Any) -> None:
        if row["event"] == "step":
            times.append(time.perf_counter())
            peaks.append(peak_megabytes())
            tokens.append(row["tokens"])

    pairs, adapter = preferences(), fresh_adapter(base, folder)
    context = stage_context(
        base, folder, instructions=instructions, preferences=pairs[:-HELD_OUT], seed=SEED, adapter=adapter, event=event
    )
    options = DpoOptions(
        epochs=steps * BATCH / (len(pairs) - HELD_OUT), batch=AT_ONCE, accumulation=BATCH // AT_ONCE,
        learning_rate=RATE, beta=BETA, warmup=0.0, dev=0.0, checkpoint_seconds=1e9,
    )  # fmt: skip
    result = FromReference(options, context).train()
    return _measured(times, tokens[-1], peaks[-1]) | {"dev": dev_loss(base, instructions, result.adapter)}


def run_trl(steps: int, base: Path, instructions: str, folder: Path) -> dict[str, float]:
    """Make the same steps with TRL's defaults."""
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    times: list[float] = []
    peaks: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())
            peaks.append(peak_megabytes())

    class InOrder(DPOTrainer):
        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    ordered, tokens = _ordered(steps, base, instructions)
    system = {"role": "system", "content": instructions}
    rows = [
        {
            "prompt": [system, *pair.prompt],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in ordered
    ]
    config = DPOConfig(
        output_dir=str(folder), per_device_train_batch_size=BATCH, max_steps=steps, beta=BETA, learning_rate=RATE,
        lr_scheduler_type="cosine", report_to=[], save_strategy="no", seed=SEED, disable_tqdm=True, logging_steps=1000,
        bf16=False, use_cpu=not torch.cuda.is_available(),
    )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    trainer = InOrder(
        PeftModel.from_pretrained(model, str(fresh_adapter(base, folder)), is_trainable=True),
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base),
        callbacks=[Clock()],
    )
    trainer.train()
    trainer.model.delete_adapter("ref")
    trainer.model.save_pretrained(str(folder / "learnt"))
    return _measured(times, tokens, peaks[-1]) | {"dev": dev_loss(base, instructions, folder / "learnt")}


def dev_loss(base: Path, instructions: str, adapter: Path | None) -> float:
    """Return the mean loss of the held-out pairs, computed for both sides alike."""
    from loresmith_plugins.training.parity import load_served
    from loresmith_plugins.training.shared_prompt import read_prompts_once, reply_log_probabilities

    pairs = _encoded(base, instructions)[-HELD_OUT:]
    replies = [(pair.prompt, reply) for pair in pairs for reply in (pair.chosen, pair.rejected)]
    found = []
    for weights in (adapter, None):
        model = load_served(base, weights)
        read_prompts_once(model)
        found.append(reply_log_probabilities(model, replies, BATCH))
    gained = [after - before for after, before in zip(*found, strict=True)]
    margins = [BETA * (chosen - rejected) for chosen, rejected in zip(gained[::2], gained[1::2], strict=True)]
    return sum(math.log1p(math.exp(-margin)) for margin in margins) / len(margins)


def _encoded(base: Path, instructions: str) -> list[Any]:
    from loresmith_plugins.engines.transformers.load import load_format
    from loresmith_plugins.training.preference_rows import PreferenceRows

    return PreferenceRows(instructions, load_format(base), 8192).pairs(preferences())


def _ordered(steps: int, base: Path, instructions: str) -> tuple[list[Any], int]:
    """Return the pairs of Loresmith's batches in order, and their tokens."""
    from loresmith_plugins.training.options import LoopOptions
    from loresmith_plugins.training.preference_rows import batch_order

    pairs = _encoded(base, instructions)[:-HELD_OUT]
    options = LoopOptions(batch=AT_ONCE, epochs=steps * BATCH / len(pairs))
    order = [i for batch in batch_order([len(pair) for pair in pairs], options, SEED) for i in batch]
    tokens = sum(2 * len(pairs[i].prompt) + len(pairs[i].chosen) + len(pairs[i].rejected) for i in order)
    return [preferences()[i] for i in order], tokens


def _measured(times: list[float], tokens: int, peak: float) -> dict[str, float]:
    steady = (times[-1] - times[1]) / max(1, len(times) - 2)
    return {"speed": tokens / (times[-1] - times[0]), "steps": len(times) - 1, "peak": peak, "step": steady}
