"""The app opens without what it does not need yet."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from loresmith_tui import start
from loresmith_tui.sweeping import SELDOM, Sweeper

CODE = """
import asyncio, sys
from pathlib import Path
from app_driver import opened, until_shown

async def look():
    async with opened(Path(sys.argv[1])) as pilot:
        await until_shown(pilot, "harbour-desk", "tarn-line")

asyncio.run(look())
heavy = "torch transformers peft trl chromadb numpy langchain_core onnxruntime tokenizers huggingface_hub".split()
print(sorted(name for name in heavy if name in sys.modules))
"""


def test_the_first_screen_needs_none_of_the_heavy_libraries(project: Path) -> None:
    tests = Path(__file__).parents[2]
    code = f"import sys\nsys.path.insert(0, {str(tests)!r})\n{CODE}"
    done = subprocess.run([sys.executable, "-c", code, project], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_app_that_is_opened_collects_garbage_in_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = gc.get_threshold(), []
    monkeypatch.setattr(start.LoresmithApp, "run", lambda app: seen.append((app.sweeper, gc.get_threshold())))
    try:
        start.run(tmp_path)
    finally:
        gc.set_threshold(*before)
    [(sweeper, thresholds)] = seen
    assert isinstance(sweeper, Sweeper)
    assert thresholds == (*before[:2], SELDOM)
