"""A project that is whole but small: a build of it takes seconds, with models of random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DECLINE = "The papers of the Tarn Line do not say. Ask at the kiosk."
DOCUMENTS = {
    "fares.md": "# Fares\n\nA single crossing costs 4 crowns and a return 7 crowns. Children under six go free. "
    "A week pass costs 30 crowns and is sold at the kiosk only.\n\nFares rise on the first of May each year.",
    "dogs.md": "# Dogs\n\nDogs travel free on the open deck. In the saloon a dog must sit in a basket. "
    "Two dogs at most may be with one passenger.\n\nThe crew may ask for a muzzle.",
    "bicycles.md": "# Bicycles\n\nA bicycle costs 2 crowns each way. Twelve fit on the car deck. "
    "Electric bicycles are carried with the battery switched off.\n\nTandems count as two.",
    "timetable.md": "# Timetable\n\nThe first boat leaves Tarn at 06:10 and the last at 22:40. On Sundays the first "
    "boat leaves at 08:00.\n\nThe crossing takes twenty-five minutes.",
    "lost.md": "# Lost property\n\nWhat is found is kept in the blue shed for ninety days. Ask with your sailing "
    "number.\n\nPerishable goods are thrown away the same evening.",
    "storms.md": "# Storms\n\nAbove force eight no boat sails. A red flag is hoisted at the pier head. "
    "Tickets stay valid for a month.\n\nThe harbour master decides at 05:00.",
    "groups.md": "# Groups\n\nGroups of fifteen or more pay two thirds. They book three days ahead by telephone. "
    "The leader travels free.\n\nSchools pay half.",
    "cargo.md": "# Cargo\n\nParcels up to twenty kilograms cost 5 crowns. Gas bottles are refused. "
    "Live fish go in sealed tubs.\n\nCargo is handed in half an hour before departure.",
}
ANSWERED = {
    "fares.md": [
        ("How much is a return?", "A return costs 7 crowns."),
        ("do kids pay", "Children under six go free."),
        ("Where can I buy a pass for the week?", "A week pass is sold at the kiosk only, for 30 crowns."),
    ],
    "dogs.md": [
        ("Can my spaniel come along?", "Yes: dogs travel free on the open deck."),
        ("how many dogs can i bring", "Two dogs at most may be with one passenger."),
        ("May the dog sit inside in the saloon?", "Only in a basket."),
    ],
    "bicycles.md": [
        ("bike price?", "A bicycle costs 2 crowns each way."),
        ("Is there room for a club of twelve riders?", "Twelve bicycles fit on the car deck."),
        ("Do you take e-bikes?", "Yes, with the battery switched off."),
    ],
    "timetable.md": [
        ("When does the last boat go?", "The last boat leaves Tarn at 22:40."),
        ("first sailing sunday", "On Sundays the first boat leaves at 08:00."),
        ("How long is one on the water?", "The crossing takes twenty-five minutes."),
    ],
    "lost.md": [
        ("I left my umbrella on board", "What is found is kept in the blue shed for ninety days."),
        ("What do I need to ask for my bag?", "Your sailing number."),
        ("forgot my sandwiches, still there tomorrow?", "No: perishable goods are thrown away the same evening."),
    ],
    "storms.md": [
        ("What does the red flag mean?", "It is hoisted when no boat sails."),
        ("Cancelled by wind, is my ticket lost?", "No, tickets stay valid for a month."),
        ("who calls it off and when", "The harbour master decides at 05:00."),
    ],
    "groups.md": [
        ("We are twenty people, any discount?", "Groups of fifteen or more pay two thirds."),
        ("school class rate", "Schools pay half."),
        ("Does the guide need a ticket?", "The leader travels free."),
    ],
    "cargo.md": [
        ("Sending a parcel of 12 kilos", "Parcels up to twenty kilograms cost 5 crowns."),
        ("Can I ship a gas bottle?", "No, gas bottles are refused."),
        ("how early must cargo be there", "Half an hour before departure."),
    ],
}
UNANSWERED = [
    "Is there wifi on board?",
    "Who designed the pier?",
    "Can I get married on the boat?",
    "what films are on at the cinema in town",
    "Do you sell season tickets for the museum?",
    "How deep is the lake?",
]
TRAINING = {
    "method": "sft", "rank": 2, "epochs": 2, "batch": 4, "learning_rate": 0.001, "checkpoint_seconds": 0.05,
}  # fmt: skip
"""Checkpoints are written as often as they can be: what is interrupted should find one."""


def write_project(root: Path, base: Path, embedder: Path) -> Path:
    """Write the project and return its folder; change the recipe with `edit_recipe`."""
    for name, text in DOCUMENTS.items():
        _write(root / "docs" / name, text + "\n")
    write_rows(root, example_rows())
    recipe = {
        "name": "tarn-line",
        "base": str(base),
        "instructions": "You answer for the Tarn Line. Be brief.",
        "few_shot": 2,
        "engine": {"kind": "transformers", "max_tokens": 12},
        "knowledge": {
            "sources": [{"kind": "files", "path": "docs"}],
            "chunker": {"kind": "recursive", "size": 160, "overlap": 20},
            "embedder": {"kind": "minilm", "model": str(embedder)},
            "retriever": {"kind": "hybrid", "k": 2},
        },
        "data": {
            "examples": [{"kind": "jsonl", "path": "data/examples.jsonl"}],
            "split": {"dev": 0.15, "test": 0.25},
        },
        "training": [TRAINING],
        "evaluation": {"resamples": 200},
    }
    _write(root / "assistant.yaml", yaml.safe_dump(recipe, sort_keys=False))
    return root


def example_rows() -> list[dict[str, Any]]:
    """Return the thirty rows of the examples' file: three a document, and six that no document answers."""
    answered = [
        {"question": question, "answer": answer, "grounding": [document]}
        for document, pairs in ANSWERED.items()
        for question, answer in pairs
    ]
    return [*answered, *({"question": question, "answer": DECLINE, "answerable": False} for question in UNANSWERED)]


def write_rows(root: Path, rows: list[dict[str, Any]]) -> None:
    """Write the examples' file of a project."""
    _write(root / "data" / "examples.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def edit_recipe(root: Path, changes: Mapping[str, Any]) -> None:
    """Change values of the recipe by key path: `{"training.0.epochs": 3}`."""
    recipe = yaml.safe_load((root / "assistant.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = recipe
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        place[last] = value
    _write(root / "assistant.yaml", yaml.safe_dump(recipe, sort_keys=False))


def copied(project: Path, to: Path, *, state: bool) -> Path:
    """Copy a project, with `.loresmith` or without."""
    return Path(shutil.copytree(project, to, ignore=None if state else shutil.ignore_patterns(".loresmith")))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
