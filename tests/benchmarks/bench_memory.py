"""Peak memory of `sft` beside what `loresmith estimate` says, on the default model.

    make bench      (or: python tests/benchmarks/bench_memory.py [--batch 4 8] [--adapter lora] [--checkpointing])

Each measurement is a process of its own, started the way the command line starts one (with the allocator's settings).
It trains a few steps on examples of the sample domain; printed is the highest resident memory less that of the
interpreter with all libraries imported, beside the estimate for the same rows, and how far they are apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from bench_train import base, examples, instructions

STEPS = 4
WITHIN = 0.20
PARTS = ("weights", "adapters", "gradients", "optimizer", "activations", "logits")


def status(field: str) -> int:
    """Return a figure of this process in bytes: `VmHWM`, its highest resident memory; `RssFile`, mapped files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def stage_options(asked: argparse.Namespace, batch: int) -> dict[str, Any]:
    """Return the options of the stage, but those that have their defaults."""
    changed = {"gradient_checkpointing": True} if asked.checkpointing else {}
    adapter = {} if asked.adapter == "lora" else {"adapter": asked.adapter}
    steady = {"epochs": 1, "passages": 0, "warmup": 0.0, "checkpoint_seconds": 1e9}
    return {"batch": batch, **steady, **changed, **adapter}


def measure(options: dict[str, Any]) -> int:
    """Train a few steps in this process and return the bytes they took."""
    import peft  # noqa: F401 - counts as the interpreter's
    import transformers.models.llama.modeling_llama  # noqa: F401

    from loresmith.testing import stage_context
    from loresmith_plugins.methods.sft import SftOptions
    from loresmith_plugins.methods.sft.train import SftTrainer

    folder, rows = base(), examples()
    before, mapped = status("VmHWM"), status("RssFile")
    with tempfile.TemporaryDirectory() as work:
        train = rows[: STEPS * options["batch"]]
        context = stage_context(folder, Path(work), train=train, dev=rows[-8:], instructions=instructions())
        SftTrainer(SftOptions.model_validate(options), context).train()
    return status("VmHWM") - before - _only_read(folder, options, status("RssFile") - mapped)


def _only_read(folder: Path, options: dict[str, Any], mapped: int) -> int:
    """Bytes of the weights' file that stay mapped although they were packed into 4 bit; the system takes them back."""
    from loresmith.estimate.bases import read_shapes

    return max(0, mapped - 4 * read_shapes(folder, "").others) if options.get("adapter") == "qlora" else 0


def estimate(options: dict[str, Any]) -> dict[str, int]:
    """Return the estimate, part by part, for the same rows."""
    from loresmith.estimate.bases import read_shapes
    from loresmith.estimate.memory import memory_of
    from loresmith.estimate.plan import plan_of
    from loresmith.estimate.rows import counter, of_examples
    from loresmith.specs import Footprint
    from loresmith_plugins.methods.sft import SftOptions

    count, _ = counter(base())
    rows = of_examples(examples()[: STEPS * options["batch"]], instructions(), 0, count, options["batch"])
    plan = plan_of(SftOptions.model_validate(options), Footprint(), rows)
    return asdict(memory_of(read_shapes(base(), "smollm2-135m"), plan, 4))


def measured(options: dict[str, Any]) -> int:
    """Measure in a process of its own."""
    from loresmith.cli.allocator import SETTINGS

    environment = {**os.environ, **SETTINGS, "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, __file__, "--measure", json.dumps(options)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the measurement failed:\n{done.stderr[-3000:]}")
    return int(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure each batch size and print it beside the estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--adapter", default="lora")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(measure(asked.measure))
        return
    apart = []
    for batch in asked.batch:
        options = stage_options(asked, batch)
        found, parts = measured(options), estimate(options)
        apart.append(parts["peak"] / found - 1)
        shown = ", ".join(f"{part} {parts[part] / 1e6:.0f}" for part in PARTS)
        print(
            f"{asked.adapter}, batch {batch}: measured {found / 1e6:.0f} MB, estimated {parts['peak'] / 1e6:.0f} MB "
            f"({apart[-1]:+.1%}; {shown})",
            flush=True,
        )
    worst = max(abs(each) for each in apart)
    print(f"at most {worst:.1%} apart (wanted: within {WITHIN:.0%})")
    sys.exit(0 if worst <= WITHIN else 1)


if __name__ == "__main__":
    main()
