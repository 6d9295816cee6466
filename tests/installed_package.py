"""A package of the tests, found by its metadata as an installed one would be."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest


def install(source: Path, site: Path, patch: pytest.MonkeyPatch) -> None:
    """Put a package on the path with the metadata that its `pyproject.toml` would be installed with.

    Args:
        source: Folder of the package's `pyproject.toml`.
        site: Where the metadata go.
        patch: Takes it all back.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir(parents=True)
    heads = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(heads, encoding="utf-8")
    points = project["entry-points"]["loresmith"]
    listed = "".join(f"{name} = {value}\n" for name, value in points.items())
    (folder / "entry_points.txt").write_text("[loresmith]\n" + listed, encoding="utf-8")
    patch.syspath_prepend(source)
    patch.syspath_prepend(site)
    for module in points.values():
        patch.delitem(sys.modules, module, raising=False)
