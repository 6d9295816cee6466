"""A search in a new process imports what it uses, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tiny_embedder import tiny_embedder

RECIPE = """
name: desk
base: smollm2-135m
instructions: You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  embedder: {kind: minilm, model: ./embedder}
data:
  examples: [{kind: jsonl, path: examples.jsonl}]
"""
UNUSED = {
    "torch", "transformers", "sentence_transformers", "safetensors", "onnx", "chromadb", "langchain_core",
    "langchain_text_splitters", "scipy", "httpx", "requests", "huggingface_hub", "rich", "textual", "bm25s",
}  # fmt: skip
SCRIPT = """
import json, sys
from loresmith.cli.main import run
assert run(sys.argv[1:]) == 0
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def modules_after(root: Path, *arguments: str) -> set[str]:
    command = [sys.executable, "-c", SCRIPT, *arguments, "--project", str(root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_searching_and_indexing_again_import_nothing_that_they_do_not_use(tmp_path: Path) -> None:
    tiny_embedder(tmp_path / "embedder")
    (tmp_path / "assistant.yaml").write_text(RECIPE)
    (tmp_path / "examples.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/dogs.md").write_text("# Dogs\n\nDogs may go on deck.")
    assert "torch" not in modules_after(tmp_path, "index")
    assert not UNUSED & modules_after(tmp_path, "search", "dogs")
    assert not {*UNUSED, "onnxruntime"} & modules_after(tmp_path, "index")
