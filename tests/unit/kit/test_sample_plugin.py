"""A package from outside, found by its installed metadata as a stranger's would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from installed_package import install
from loresmith.host import PluginHost
from loresmith.specs import MetricSpec
from loresmith.testing import check_metric, check_spec, scored_answer

SAMPLE = Path(__file__).parents[2] / "sample_plugin"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the package found."""
    install(SAMPLE, tmp_path, monkeypatch)


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
