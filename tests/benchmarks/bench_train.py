"""Tokens per second of `sft` and `dpo` beside TRL's trainers with their defaults, in one run, alternating.

    make bench      (or: python tests/benchmarks/bench_train.py [--method sft|dpo] [--rounds 3] [--steps 6])

Both sides train the same model on the same rows in the same batches, with the same adapter, optimizer and learning
rates. Each measurement is a process of its own: Loresmith's is started the way its command line starts one (with the
allocator's settings), TRL's the way a user's script is. Printed are tokens a second (padding not counted), peak memory
in the last step, and the loss on the same held-out rows after the same number of steps; then the ratio of speeds, and
of `sft` the share of the speed that the matrix products of those steps alone would allow.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dpo_sides
from dpo_sides import peak_megabytes

WANTED = {"sft": 2.2, "dpo": 1.8}
"""How much faster than TRL's defaults a method is to be."""
BATCH = 8
RATE = 5e-4
SEED = 1
TRAIN, DEV = 160, 24


def examples() -> list[Any]:
    """Return the sample domain's examples of one turn, as both sides read them."""
    from loresmith.recipe.shipped import recipes_dir
    from loresmith.values import Example

    rows = [json.loads(line) for line in (recipes_dir() / "harbour-desk/data/examples.jsonl").read_text().splitlines()]
    return [
        Example.of([{"role": "user", "content": r["question"]}, {"role": "assistant", "content": r["answer"]}])
        for r in rows
        if "question" in r
    ]


def instructions() -> str:
    """Return the system prompt of the sample domain."""
    import yaml

    from loresmith.recipe.shipped import recipes_dir

    return str(yaml.safe_load((recipes_dir() / "harbour-desk/assistant.yaml").read_text())["instructions"]).strip()


def base() -> Path:
    """Return the folder of the default model."""
    from loresmith.host import PluginHost
    from loresmith.modelstore.store import ModelStore

    return ModelStore.for_host(PluginHost()).path("smollm2-135m", "chat")


def run_loresmith(steps: int) -> dict[str, float]:
    """Train `steps` steps with Loresmith; return tokens per second and dev loss."""
    from loresmith.testing import stage_context
    from loresmith_plugins.methods.sft import SftOptions
    from loresmith_plugins.methods.sft.train import SftTrainer

    rows = examples()
    seen: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        context = stage_context(
            base(),
            Path(folder),
            instructions=instructions(),
            train=rows[:TRAIN],
            dev=rows[-DEV:],
            seed=SEED,
            event=lambda event: seen.append({**event, "at": time.perf_counter(), "peak": peak_megabytes()}),
        )
        epochs = steps * BATCH / TRAIN
        options = SftOptions(
            epochs=epochs, batch=BATCH, learning_rate=RATE, warmup=0.0, passages=0, checkpoint_seconds=1e9
        )
        result = SftTrainer(options, context).train()
    done = [event for event in seen if event["event"] == "step"]
    tokens = done[-1]["tokens"] - done[0]["tokens"]
    return {"speed": tokens / (done[-1]["at"] - done[0]["at"]), "dev": result.dev_loss, "peak": done[-1]["peak"]}


def run_trl(steps: int) -> dict[str, float]:
    """Train the same batches with TRL's defaults; return tokens per second and dev loss."""
    import random

    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from loresmith_plugins.engines.transformers.load import load_format
    from loresmith_plugins.training.rows import encode, length_grouped_batches

    folder, rows, system = base(), examples(), instructions()
    chat = load_format(folder)
    train = encode(rows[:TRAIN], system, chat, 8192)
    batches = length_grouped_batches(train, BATCH, random.Random(f"{SEED}:0"))
    ordered = [row for batch in batches for row in batch][: steps * BATCH]
    times: list[float] = []
    peaks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())
            peaks.append(peak_megabytes())

    class InOrder(SFTTrainer):
        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    def dataset(some: list[Any]) -> Dataset:
        labels = [[t if on else -100 for t, on in zip(row.ids, row.trained, strict=True)] for row in some]
        return Dataset.from_dict({"input_ids": [list(row.ids) for row in some], "labels": labels})

    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(
            output_dir=out, per_device_train_batch_size=BATCH, max_steps=steps,
            learning_rate=RATE, lr_scheduler_type="cosine", report_to=[], save_strategy="no", seed=SEED,
            disable_tqdm=True, logging_steps=1000, bf16=False, use_cpu=not torch.cuda.is_available(),
        )  # fmt: skip
        trainer = InOrder(
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
            args=config,
            train_dataset=dataset(ordered),
            processing_class=AutoTokenizer.from_pretrained(folder),
            peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
            callbacks=[Clock()],
        )
        trainer.train()
        dev = dev_loss(trainer.model.eval(), encode(rows[-DEV:], system, chat, 8192))
    tokens = sum(len(row.ids) for row in ordered[BATCH:])
    return {"speed": tokens / (times[-1] - times[0]), "dev": dev, "peak": peaks[-1]}


def dev_loss(model: Any, rows: list[Any]) -> float:
    """Return nats per trained token: the scorer of both sides."""
    import torch

    from loresmith_plugins.training.loss import Batch, TrainedTokenLoss

    with torch.no_grad():
        batches = [Batch.of(rows[i : i + BATCH], 0, model.device) for i in range(0, len(rows), BATCH)]
        total = sum(TrainedTokenLoss(model, share_prefix=False)(batch).item() for batch in batches)
    return total / sum(int(batch.targets.sum()) for batch in batches)


def run_products(steps: int) -> dict[str, float]:
    """Time the matrix products of the same steps alone; return the speeds they would allow."""
    import random

    import torch
    from matrix_products import Shapes, seconds, shared_once
    from transformers import AutoConfig

    from loresmith_plugins.engines.transformers.load import load_format
    from loresmith_plugins.training.loss import Batch
    from loresmith_plugins.training.rows import encode, length_grouped_batches

    shapes = Shapes.of(AutoConfig.from_pretrained(base()))
    train = encode(examples()[:TRAIN], instructions(), load_format(base()), 8192)
    batches = length_grouped_batches(train, BATCH, random.Random(f"{SEED}:0"))[1:steps]
    tokens, apart, once = 0, 0.0, 0.0
    for batch in batches:
        rows = [(len(row.ids), row.trained_tokens) for row in batch]
        prefix = Batch.of(batch, 0, torch.device("cpu")).prefix
        tokens += sum(read for read, _ in rows)
        apart += seconds(shapes, rows)
        once += seconds(shapes, list(shared_once(rows, prefix)))
    return {"apart": tokens / apart, "once": tokens / once}


def run(method: str, side: str, steps: int) -> dict[str, float]:
    """Run one side of a method in this process."""
    if method == "sft":
        return {"loresmith": run_loresmith, "trl": run_trl, "products": run_products}[side](steps)
    one = {"loresmith": dpo_sides.run_loresmith, "trl": dpo_sides.run_trl}[side]
    with tempfile.TemporaryDirectory() as folder:
        return one(steps, base(), instructions(), Path(folder))


def measured(method: str, side: str, steps: int) -> dict[str, float]:
    """Run one side in a process of its own."""
    from loresmith.cli.allocator import SETTINGS

    environment = {**os.environ, **(SETTINGS if side == "loresmith" else {}), "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, __file__, "--method", method, "--side", side, "--steps", str(steps)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{method} of {side} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(method: str, rounds: int, steps: int) -> bool:
    """Alternate the two sides of a method and print how they compare; return whether that is as wanted."""
    found: dict[str, list[dict[str, float]]] = {"loresmith": [], "trl": []}
    for number in range(rounds):
        for side, results in found.items():
            results.append(result := measured(method, side, steps))
            print(
                f"{method} round {number + 1}: {side:9} {result['speed']:6.1f} tokens/s, held-out loss "
                f"{result['dev']:.4f}, peak {result['peak']:.0f} MB",
                flush=True,
            )
    ours, theirs = found["loresmith"], found["trl"]
    ratio = statistics.median(r["speed"] for r in ours) / statistics.median(r["speed"] for r in theirs)
    apart = abs(ours[-1]["dev"] / theirs[-1]["dev"] - 1)
    memory = max(r["peak"] for r in ours) / max(r["peak"] for r in theirs)
    print(
        f"{method}: ratio of medians {ratio:.2f} (wanted: at least {WANTED[method]}); losses {apart:.2%} apart "
        f"(wanted: within 1 %); peak memory {memory:.2f} of TRL's (wanted: at most 1)"
    )
    if method == "sft":
        print_share(statistics.median(r["speed"] for r in ours), measured("sft", "products", steps))
    return ratio >= WANTED[method] and apart <= 0.01 and memory <= 1


def print_share(speed: float, allowed: dict[str, float]) -> None:
    """Print how much of the speed that the matrix products alone allow is reached."""
    print(
        f"sft: the matrix products of these steps alone allow {allowed['apart']:.0f} tokens/s where each row is read "
        f"whole, of which {speed / allowed['apart']:.0%} is reached, and {allowed['once']:.0f} where the common "
        f"beginning is read once, of which {speed / allowed['once']:.0%} is reached (goal: 80 %)"
    )


def main() -> None:
    """Compare the methods asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=list(WANTED))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--side", choices=["loresmith", "trl", "products"])
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(run(arguments.method, arguments.side, arguments.steps)))
        return
    methods = [arguments.method] if arguments.method else list(WANTED)
    done = [compare(method, arguments.rounds, arguments.steps) for method in methods]
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
