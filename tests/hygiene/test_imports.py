"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "torch", "transformers", "trl", "peft", "datasets", "chromadb", "textual", "numpy", "rich", "safetensors",
    "tokenizers", "bm25s", "huggingface_hub", "sentence_transformers", "bitsandbytes", "onnxruntime", "gguf",
}  # fmt: skip
REPORT = """
import sys
heavy = set({heavy!r})
found = sorted(m for m in sys.modules if m in heavy or m.split("_")[0] == "langchain")
print("HEAVY", *found)
"""


def heavy_after(code: str) -> list[str]:
    script = code + REPORT.format(heavy=sorted(HEAVY))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["plugins", "ls", "--help"], ["plugins", "ls"], ["recipes", "ls"], ["models", "ls"],
        ["build", "--help"], ["ask", "--help"], ["train", "--help"], ["eval", "--help"], ["index", "--help"],
        ["runs", "ls", "--help"], ["estimate", "--params", "7b"],
        ["doctor"], ["tui", "--help"], ["data", "split", "--help"], ["label", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_computes_nothing_imports_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_after(f"from loresmith.cli.main import run\nassert run({arguments!r}) == 0") == []


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert heavy_after("import loresmith, loresmith.cli.main") == []


def test_loading_all_plugins_imports_nothing_heavy() -> None:
    assert heavy_after("from loresmith.host import PluginHost\nassert not PluginHost().failures") == []


def test_help_touches_the_parser_alone() -> None:
    code = "from loresmith.cli.main import run\nassert run(['--help']) == 0\nimport sys\nprint(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1]
    assert all(f"'{name}'" not in modules for name in ("pluggy", "yaml", "pydantic", "httpx"))
