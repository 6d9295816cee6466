from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError, Problem
from loresmith.values import Document
from loresmith_plugins.sources.files import FilesOptions, FilesSource


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(root: Path, path: str = "docs", **options: Any) -> list[Document]:
    return FilesSource(FilesOptions(path=path, **options), root).read("documents")


def problems(root: Path, path: str = "docs", **options: Any) -> dict[str, Problem]:
    with pytest.raises(DataError) as caught:
        read(root, path, **options)
    return {problem.file: problem for problem in caught.value.problems}


def test_markdown_and_text_are_read_in_order_of_their_paths(tmp_path: Path) -> None:
    write(tmp_path / "docs/b.md", "# Bees\n")
    write(tmp_path / "docs/a/z.txt", "# plain text has no headings")
    write(tmp_path / "docs/c.markdown", "no heading")
    write(tmp_path / "docs/UPPER.MD", "# Upper")
    write(tmp_path / "docs/picture.png", b"\x89PNG")
    assert [(d.id, d.title) for d in read(tmp_path)] == [
        ("UPPER.MD", "Upper"),
        ("a/z.txt", "z.txt"),
        ("b.md", "Bees"),
        ("c.markdown", "c.markdown"),
    ]


def test_byte_order_mark_and_carriage_returns_leave_no_trace(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.md", b"\xef\xbb\xbf# Caf\xc3\xa9\r\n\r\ntext\r\n")
    assert read(tmp_path) == [Document("a.md", "# Café\n\ntext\n", "Café")]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "a")
    write(tmp_path / ".b.md", b"\xff")
    write(tmp_path / ".loresmith/runs/c.md", b"\xff")
    assert [d.id for d in read(tmp_path, ".")] == ["a.md"]


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    write(tmp_path / "docs/handbook.md", "# All of it")
    assert [(d.id, d.title) for d in read(tmp_path, "docs/handbook.md")] == [("handbook.md", "All of it")]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["a.md"]),
        ("**/*.md", ["a.md", "x/b.md", "x/y/c.md"]),
        ("x/**/*.md", ["x/b.md", "x/y/c.md"]),
        ("x/*.md", ["x/b.md"]),
        ("**/[bc].md", ["x/b.md", "x/y/c.md"]),
    ],
)
def test_patterns_choose_by_path(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for name in ("a.md", "x/b.md", "x/y/c.md", "x/note.txt"):
        write(tmp_path / "docs" / name, "text")
    assert [d.id for d in read(tmp_path, pattern=[pattern])] == found


def test_everything_that_cannot_be_read_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "docs/good.md", "# Good")
    write(tmp_path / "docs/latin.md", b"caf\xe9")
    write(tmp_path / "docs/empty.md", " \r\n ")
    write(tmp_path / "docs/nul.txt", b"a\x00b")
    write(tmp_path / "docs/locked.md", "secret")
    (tmp_path / "docs/broken.md").symlink_to("nowhere.md")
    readable = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "locked.md":
            raise PermissionError(13, "Permission denied", str(path))
        return readable(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    found = {file: problem.what for file, problem in problems(tmp_path).items()}
    assert found == {
        "docs/broken.md": "is a broken link",
        "docs/empty.md": "is empty",
        "docs/latin.md": "is not UTF-8: byte 0xe9 at offset 3",
        "docs/locked.md": "cannot be read: permission denied",
        "docs/nul.txt": "holds a NUL character at offset 1, so it is hardly text",
    }


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "docs/good.md", "# Good")
    (tmp_path / "docs/locked").mkdir()
    listable = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listable(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert problems(tmp_path)["docs/locked"].what == "cannot be read: permission denied"


def test_links_out_of_the_folder_are_refused_and_links_inside_are_read(tmp_path: Path) -> None:
    write(tmp_path / "secret/key.md", "secret")
    write(tmp_path / "docs/a.md", "# A")
    (tmp_path / "docs/same.md").symlink_to("a.md")
    assert [d.id for d in read(tmp_path)] == ["a.md", "same.md"]
    (tmp_path / "docs/out.md").symlink_to("../secret/key.md")
    (tmp_path / "docs/folder").symlink_to("../secret")
    found = problems(tmp_path)
    assert set(found) == {"docs/out.md", "docs/folder"}
    assert all("leads out of the folder" in problem.what for problem in found.values())


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.md", "# A")
    os.mkfifo(tmp_path / "docs/pipe.md")
    assert problems(tmp_path)["docs/pipe.md"].what == "is no regular file"


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.md", "# A")
    try:
        (tmp_path / "docs" / os.fsdecode(b"caf\xe9.md")).write_text("text")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert problems(tmp_path)["docs/caf?.md"].what == "has a name that is not UTF-8"


def test_a_missing_folder_and_one_without_documents_say_so(tmp_path: Path) -> None:
    assert problems(tmp_path)["docs"].what == "there is no such file or folder"
    (tmp_path / "docs").mkdir()
    assert problems(tmp_path)["docs"].what == "no file matches **/*.md, **/*.markdown, **/*.txt, **/*.html, **/*.htm"
