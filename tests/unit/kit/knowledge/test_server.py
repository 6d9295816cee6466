"""The index on a real Chroma server, which dies in the middle of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from loresmith.errors import RetrievalError
from loresmith.knowledge import vectors
from loresmith.testing import check_store
from loresmith_plugins.stores.chroma import ChromaOptions, ChromaStore

Desk = Any


@dataclass
class Server:
    """A Chroma server as a user starts it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = Path(sys.executable).with_name("chroma")
        command = [str(program), "run", "--path", str(self.folder), "--port", str(self.port), "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def options(self, **more: Any) -> ChromaOptions:
        return ChromaOptions(host="127.0.0.1", port=self.port, **more)

    def collections(self) -> set[str]:
        place = f"http://127.0.0.1:{self.port}/api/v2/tenants/default_tenant/databases/default_database/collections"
        return {collection["name"] for collection in httpx.get(place).json()}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(tmp_path_factory.mktemp("server"), port)
    yield server
    server.kill()


@pytest.fixture
def server(machine: Server) -> Server:
    if machine.process is None:
        machine.start()
    return machine


@pytest.fixture
def remote(desk: Desk, server: Server) -> Desk:
    desk.knowledge["store"] = {"kind": "chroma", "host": "127.0.0.1", "port": server.port}
    return desk


def test_a_collection_on_a_server_conforms(server: Server, tmp_path: Path) -> None:
    check_store(lambda: ChromaStore(server.options(), tmp_path / "vectors-a-0", 3))
    assert not list(tmp_path.iterdir()), "nothing of it belongs on this disk"


def test_projects_share_a_server_without_seeing_each_other(server: Server, tmp_path: Path) -> None:
    axes = np.eye(3, dtype=np.float32)
    one = ChromaStore(server.options(), tmp_path / "one/vectors-a-0", 3)
    two = ChromaStore(server.options(), tmp_path / "two/vectors-a-0", 3)
    shared = [ChromaStore(server.options(collection="ferry"), tmp_path / name / "vectors-a-0", 3) for name in "xy"]
    one.upsert(["x"], axes[:1])
    two.upsert(["y"], axes[1:2])
    shared[0].upsert(["z"], axes[2:])
    assert [store.ids() for store in (one, two, *shared)] == [{"x"}, {"y"}, {"z"}, {"z"}]
    for store in (one, two, *shared):
        store.close()


def test_a_server_that_dies_in_the_middle_is_named_and_the_run_resumes(
    remote: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "TEXTS_A_WRITE", 2)
    for n in range(8):
        (remote.docs / f"rule{n}.md").write_text(f"# Rule {n}\n\nRule {n} holds on deck {n}.")
    embed = remote.embedder.embed

    def dying(texts: Any, progress: Any = None) -> Any:
        if len(remote.embedder.texts) >= 6:
            server.kill()
        return embed(texts, progress)

    with monkeypatch.context() as broken:
        broken.setattr(remote.embedder, "embed", dying)
        with pytest.raises(RetrievalError, match=rf'on the Chroma server "127\.0\.0\.1:{server.port}"') as caught:
            remote.refresh()
    assert f"chroma run --path DIR --port {server.port}" in caught.value.hint
    assert "is kept" in caught.value.hint
    with pytest.raises(RetrievalError, match="cannot be used"):
        remote.refresh()
    server.start()
    # What was written is kept; the third lot was on its way when the server died, and may be lost.
    assert remote.refresh().embedded in (12 - 6, 12 - 4)
    assert remote.found("rule 5 deck")[0].startswith("rule")
    assert remote.refresh().embedded == 0


def test_a_rebuild_leaves_one_collection_of_this_checkout(remote: Desk, server: Server) -> None:
    others = server.collections()
    remote.refresh()
    (first,) = server.collections() - others
    remote.refresh(rebuild=True)
    (second,) = server.collections() - others
    assert (first.endswith("-0"), second.endswith("-1")) == (True, True)
    assert remote.found()[0] == "dogs.md"


def test_another_machine_finds_a_shared_index_done(remote: Desk, server: Server) -> None:
    remote.knowledge["store"]["collection"] = "ferry-line"
    assert remote.refresh().embedded == 4
    for path in sorted(remote.project.index.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert remote.refresh().embedded == 0


def test_without_a_server_the_message_says_how_to_start_one(desk: Desk) -> None:
    desk.knowledge["store"] = {"kind": "chroma", "host": "127.0.0.1", "port": 1}
    with pytest.raises(RetrievalError, match=r'on the Chroma server "127\.0\.0\.1:1" cannot be used') as caught:
        desk.refresh()
    assert "chroma run --path DIR --port 1" in caught.value.hint


def test_the_token_comes_from_the_environment_and_is_written_nowhere(
    remote: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.knowledge["store"]["token_env"] = "FERRY_TOKEN"
    monkeypatch.delenv("FERRY_TOKEN", raising=False)
    with pytest.raises(RetrievalError, match='"FERRY_TOKEN", which is to hold') as caught:
        remote.refresh()
    assert caught.value.hint == "Set it: export FERRY_TOKEN=…"
    monkeypatch.setenv("FERRY_TOKEN", "s3cret-t0ken")
    seen: dict[str, str] = {}
    import chromadb

    real = chromadb.HttpClient

    def client(*arguments: Any, headers: dict[str, str], **more: Any) -> Any:
        seen.update(headers)
        return real(*arguments, headers=headers, **more)

    monkeypatch.setattr(chromadb, "HttpClient", client)
    remote.refresh()
    assert seen == {"Authorization": "Bearer s3cret-t0ken", "X-Chroma-Token": "s3cret-t0ken"}
    kept = b"".join(path.read_bytes() for path in remote.project.state.rglob("*") if path.is_file())
    assert b"s3cret" not in kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 8000}, "port belongs to a server"),
        ({"host": "h", "token_env": "my token"}, "is not the name of an environment variable"),
        ({"host": "h", "collection": "Not This"}, "should match pattern"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChromaOptions(**options)
