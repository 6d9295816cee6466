"""How often the default model breaks the sample domain's house style before and after being its own critic.

    python tests/benchmarks/bench_constitutional.py [--prompts 40] [--held-out 32] [--rounds 1] [--epochs 2]

The model answers prompts of harbour-desk, criticises and revises its answers by the shipped constitution, and is tuned
on the revisions. Judged is by a rule in code that no critic sees: the last sentence begins with "Next:", and nothing is
called a ticket. Judged are also the first and the revised replies to the prompts themselves: what the critic can do,
and how much of it was learnt. The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_train import base, examples, instructions

from loresmith.files import read_jsonl
from loresmith.recipe.shipped import recipes_dir
from loresmith.specs import Engine, StageContext
from loresmith.testing import stage_context
from loresmith.values import Example, Weights
from violations import in_harbour_style, violation_rate

DEV = 4
SEED = 1


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    shuffled = random.Random(SEED).sample(examples(), len(examples()))
    held_out = [example.question for example in shuffled[: wanted.held_out]]
    rest = shuffled[wanted.held_out :]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        context = stage(Path(folder), rest[: wanted.prompts], rest[wanted.prompts :][:DEV])
        before = violation_rate(context.engine({}), context.instructions, held_out, in_harbour_style)
        adapter, details = run(context, wanted)
        tuned = context.engine({})
        tuned.use(Weights(adapter=adapter))
        after = violation_rate(tuned, context.instructions, held_out, in_harbour_style)
        rows = read_jsonl(context.folder / "critiques.jsonl")
    figures = {
        "held_out": len(held_out), "before": before, "after": after, "prompts": len(rows), "rounds": wanted.rounds,
        "first_replies": rate([row["reply"] for row in rows]),
        "revisions": rate([row["final"] for row in rows if row["final"]]),
        "seconds": round(time.perf_counter() - started), **details["critique"],
    }  # fmt: skip
    print(f"violations on {len(held_out)} held-out prompts: {before:.1%} before, {after:.1%} after")
    print(f"on the {len(rows)} prompts: {figures['first_replies']:.1%} first, {figures['revisions']:.1%} revised")
    print(json.dumps(figures))


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    for name, default in (("prompts", 40), ("held-out", 32), ("rounds", 1), ("epochs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def stage(folder: Path, train: Sequence[Example], dev: Sequence[Example]) -> StageContext:
    """Return the stage of a project that is the sample domain."""
    (folder / "stage").mkdir()
    (folder / "constitution.yaml").write_bytes((recipes_dir() / "harbour-desk/constitution.yaml").read_bytes())
    return stage_context(
        base(),
        folder / "stage",
        instructions=instructions(),
        train=train,
        dev=dev,
        engine=engine,
        progress=lambda activity, done, total: print(f"{activity}: {done} of {total}", file=sys.stderr),
    )


def engine(wanted: Mapping[str, Any]) -> Engine:
    """Build the default model."""
    from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

    return TransformersChatModel.load(base(), max_tokens=wanted.get("max_tokens", 80), batch_tokens=32_768)


def run(context: StageContext, wanted: argparse.Namespace) -> tuple[Path | None, Mapping[str, Any]]:
    """Run the stage; return its adapter and its details."""
    from loresmith_plugins.methods.constitutional import ConstitutionalOptions
    from loresmith_plugins.methods.constitutional.train import ConstitutionalTrainer

    options = {
        "constitution": "constitution.yaml", "critic": {"kind": "transformers", "max_tokens": 120}, "max_tokens": 80,
        "rounds": wanted.rounds, "epochs": wanted.epochs, "batch": 4, "patience": 1000,
    }  # fmt: skip
    trainer = ConstitutionalTrainer(ConstitutionalOptions.model_validate(options), context)
    for warning in trainer.receipt().warnings:
        print(f"warning: {warning}", file=sys.stderr)
    result = trainer.train()
    return result.adapter, result.details


def rate(replies: Sequence[str]) -> float:
    """Return the share of replies that break the rule."""
    return sum(not in_harbour_style(reply) for reply in replies) / max(1, len(replies))


if __name__ == "__main__":
    main()
