"""A package from outside, found by its installed metadata as a stranger's would be."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from loresmith.host import PluginHost
from loresmith.specs import MetricSpec
from loresmith.testing import check_metric, check_spec, scored_answer

SAMPLE = Path(__file__).parents[2] / "sample_plugin"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the package on the path with the metadata that its `pyproject.toml` would be installed with."""
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = tmp_path / f"loresmith_brevity-{project['version']}.dist-info"
    folder.mkdir()
    heads = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(heads, encoding="utf-8")
    points = project["entry-points"]["loresmith"]
    listed = "".join(f"{name} = {value}\n" for name, value in points.items())
    (folder / "entry_points.txt").write_text("[loresmith]\n" + listed, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "loresmith_brevity", raising=False)


def test_an_outside_plugin_is_found_and_conforms(installed: None) -> None:
    host = PluginHost()
    status = next(s for s in host.statuses if s.name == "brevity")
    assert (status.state, status.distribution, status.version) == ("loaded", "loresmith-brevity", "0.1.0")
    assert status.provides == {"metrics": ["brevity"], "screens": ["brevity"]}
    spec = host.registry.get(MetricSpec, "brevity")
    check_spec(spec)
    metric = spec.build(spec.options.model_validate({"words": 2}))
    check_metric(metric)
    assert metric.score(scored_answer("No dogs at all.")) == 0.5


def test_an_outside_plugin_can_be_left_out(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORESMITH_DISABLE_PLUGINS", "brevity")
    host = PluginHost.from_environment()
    assert next(s for s in host.statuses if s.name == "brevity").state == "disabled"
    assert "brevity" not in host.registry.names("metrics")
