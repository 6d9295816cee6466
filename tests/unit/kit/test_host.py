"""Each way a plugin can fail stays with that plugin."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from loresmith.errors import PluginFailed, PluginNotFound
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost, PluginStatus, report_failures
from loresmith.recipe.load import load_recipe
from loresmith.specs import MetricSpec, SourceSpec

HEAD = """
from loresmith.hooks import hookimpl
from loresmith.specs import MetricSpec, SourceSpec
def metric(name): return MetricSpec(name=name, summary="x", build=lambda options: None)
"""
GOOD = HEAD + "@hookimpl\ndef register_metrics(register): register(metric('good'))\n"
BROKEN = {
    "missing_module": ("import no_such_library", "No module named 'no_such_library'"),
    "syntax": ("def (", "SyntaxError"),
    "exits": ("raise SystemExit(3)", "SystemExit"),
    "panics": ("class Panic(BaseException): pass\nraise Panic('out')", "Panic: out"),
    "raises": (HEAD + "@hookimpl\ndef register_metrics(register): raise RuntimeError('boom')", "RuntimeError: boom"),
    "half": (
        HEAD + "@hookimpl\ndef register_metrics(register): register(metric('halfway')); raise ValueError('no')",
        "ValueError: no",
    ),
    "misspelled": (
        HEAD + "@hookimpl\ndef register_metrix(register): pass",
        'implements register_metrix, which is no hook; did you mean "register_metrics"?',
    ),
    "unmarked": (HEAD + "def register_metrics(register): pass", "defines register_metrics without @hookimpl"),
    "wrong_argument": (HEAD + "@hookimpl\ndef register_metrics(registry): pass", "registry"),
    "wrong_kind": (
        HEAD + "@hookimpl\ndef register_sources(register): register(metric('x'))",
        "register_sources takes a SourceSpec, got MetricSpec",
    ),
    "bad_name": (HEAD + "@hookimpl\ndef register_metrics(register): register(metric('Bad name'))", "Bad name"),
    "taken": (GOOD, 'the name "good" of metrics is taken by plugin "good"'),
    "twice": (
        HEAD + "@hookimpl\ndef register_metrics(register): register(metric('t')); register(metric('t'))",
        'the name "t" of metrics is taken',
    ),
}


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Entry points of one good plugin and every broken one, as modules on the path."""
    sources = {"good": GOOD, "other_api": "loresmith_api = 2\n" + GOOD} | {
        name: code for name, (code, _) in BROKEN.items()
    }
    for name, code in sources.items():
        (tmp_path / f"outside_{name}.py").write_text(code, encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"outside_{name}", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return [EntryPoint(name, f"outside_{name}", "loresmith") for name in sources]


def status(host: PluginHost, name: str) -> PluginStatus:
    return next(s for s in host.statuses if s.name == name)


def test_one_broken_plugin_leaves_the_others_loaded(points: list[EntryPoint]) -> None:
    host = PluginHost(points=points)
    assert status(host, "good").state == "loaded"
    assert status(host, "good").provides == {"metrics": ["good"]}
    assert host.registry.names("metrics") == ["good"]


@pytest.mark.parametrize("name", BROKEN)
def test_what_failed_is_reported_with_its_reason(name: str, points: list[EntryPoint]) -> None:
    broken = status(PluginHost(points=[p for p in points if p.name in ("good", name)]), name)
    assert broken.state == "failed"
    assert BROKEN[name][1] in broken.error
    assert "\n" not in broken.error
    assert broken.provides == {}


def test_the_error_names_the_line_of_the_plugin(points: list[EntryPoint]) -> None:
    broken = status(PluginHost(points=points), "raises")
    assert "outside_raises.py:6)" in broken.error


def test_another_api_version_is_incompatible_not_failed(points: list[EntryPoint]) -> None:
    other = status(PluginHost(points=points), "other_api")
    assert (other.state, other.error) == ("incompatible", "asks for plugin API 2; this is 1")


def test_disabled_plugins_are_not_imported(points: list[EntryPoint], monkeypatch: pytest.MonkeyPatch) -> None:
    host = PluginHost(disabled=["exits", "good"], points=points)
    assert status(host, "good").state == status(host, "exits").state == "disabled"
    assert "outside_good" not in sys.modules


def test_the_environment_and_the_option_both_disable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORESMITH_DISABLE_PLUGINS", "sources, chroma")
    host = PluginHost.from_environment(["metrics"])
    assert {s.name for s in host.statuses if s.state == "disabled"} == {"sources", "chroma", "metrics"}
    assert host.registry.names("sources") == []


def test_a_star_disables_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORESMITH_DISABLE_PLUGINS", "*")
    assert {s.state for s in PluginHost.from_environment().statuses} == {"disabled"}


def test_a_name_of_a_failed_plugin_is_missed_with_that_plugins_error(points: list[EntryPoint]) -> None:
    host = PluginHost(points=[p for p in points if p.name in ("good", "missing_module")])
    with pytest.raises(PluginFailed, match="no_such_library"):
        host.registry.get(SourceSpec, "sharepoint")


def test_a_recipe_that_names_a_failed_plugins_part_gets_that_error(points: list[EntryPoint], tmp_path: Path) -> None:
    host = PluginHost(points=[p for p in points if p.name == "missing_module"])
    (tmp_path / "assistant.yaml").write_text("training: [{method: quantum}]\n", encoding="utf-8")
    with pytest.raises(Exception, match=r'no method named "quantum" is loaded.*no_such_library'):
        load_recipe(tmp_path / "assistant.yaml", host.registry)


def test_an_unknown_name_brings_the_nearest(points: list[EntryPoint]) -> None:
    host = PluginHost(points=[p for p in points if p.name == "good"])
    with pytest.raises(PluginNotFound, match='Did you mean "good"'):
        host.registry.get(MetricSpec, "goood")


def test_two_plugins_of_one_name_are_told_apart(points: list[EntryPoint]) -> None:
    host = PluginHost(points=[points[0], EntryPoint("good", "outside_half", "loresmith")])
    assert status(host, "good").state == "loaded"
    assert "is there already" in status(host, "good (added by hand)").error


def test_a_failed_plugins_hooks_are_not_called(points: list[EntryPoint], capsys: pytest.CaptureFixture[str]) -> None:
    code = "@hookimpl\ndef on_event(run, event): print('heard')\n@hookimpl\ndef register_metrix(register): pass"
    plugin = ModuleType("listening")
    exec(HEAD + code, plugin.__dict__)
    host = PluginHost(points=[])
    assert host.add(plugin, "listening").state == "failed"
    host.hook.on_event(run=None, event={})
    assert "heard" not in capsys.readouterr().out


def test_what_a_plugin_prints_while_loading_stays_off_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    class Chatty:
        @hookimpl
        def register_metrics(self, register: object) -> None:
            print("hello from a plugin")

    PluginHost(points=[]).add(Chatty(), "chatty")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello from a plugin" in captured.err


def test_registering_after_loading_is_refused() -> None:
    class Late:
        @hookimpl
        def register_metrics(self, register: object) -> None:
            self.register = register

    late = Late()
    PluginHost(points=[]).add(late, "late")
    with pytest.raises(Exception, match="after its plugin was loaded"):
        late.register(None)  # type: ignore[operator]


def test_failures_are_reported_on_stderr(points: list[EntryPoint], capsys: pytest.CaptureFixture[str]) -> None:
    report_failures(PluginHost(points=[p for p in points if p.name in ("good", "exits")]))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "plugin exits did not load" in lines[0]


def test_all_built_ins_load(host: PluginHost) -> None:
    assert not host.failures
