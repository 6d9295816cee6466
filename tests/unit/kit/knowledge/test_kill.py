"""A process that is killed while it indexes, for real."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tiny_embedder import tiny_embedder

RECIPE = """
name: desk
base: smollm2-135m
instructions: You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  chunker: {kind: recursive, size: 200, overlap: 20}
  embedder: {kind: minilm, model: ./embedder, batch: 1}
data:
  examples: [{kind: jsonl, path: examples.jsonl}]
"""


def loresmith(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "loresmith", *arguments, "--project", str(root), "--json"]


def write_documents(root: Path, edition: int) -> None:
    for n in range(30):
        text = f"# Section {n}\n\n" + f"Edition {edition} of rule {n} about dogs and boats. " * 30
        (root / "docs" / f"{n}.md").write_text(text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_kill_at_any_instant_leaves_an_index_that_can_be_searched(tmp_path: Path) -> None:
    tiny_embedder(tmp_path / "embedder")
    (tmp_path / "assistant.yaml").write_text(RECIPE)
    (tmp_path / "examples.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    (tmp_path / "docs").mkdir()
    write_documents(tmp_path, 0)
    started = time.monotonic()
    subprocess.run(loresmith(tmp_path, "index"), check=True, capture_output=True)
    took = time.monotonic() - started
    instants = random.Random(5)
    for edition in range(1, 11):
        write_documents(tmp_path, edition)
        rebuild = ["--rebuild"] if edition % 3 == 0 else []
        process = subprocess.Popen(
            loresmith(tmp_path, "index", *rebuild), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(instants.uniform(0.2, took))
        process.send_signal(signal.SIGKILL)
        process.wait()
        hits = json.loads(run(tmp_path, "search", "dogs", "-k", "20"))["hits"]
        assert hits
        assert len({hit["text"].split(" of rule")[0].split()[-1] for hit in hits}) == 1, "editions are mixed"
    assert json.loads(run(tmp_path, "index"))["documents"] == 30
    assert "Edition 10" in run(tmp_path, "search", "dogs")
    assert len(list((tmp_path / ".loresmith/index").iterdir())) == 4


def run(root: Path, *arguments: str) -> Any:
    return subprocess.run(loresmith(root, *arguments), check=True, capture_output=True, text=True).stdout
