"""Source `files`: the Markdown, HTML and text files of a folder, or one file.

Whatever cannot be read is a problem with its place; all problems are raised together, after the whole folder was seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pydantic import Field

from loresmith.errors import DataError, Problem
from loresmith.options import Options
from loresmith.specs import Gives
from loresmith.values import Document
from loresmith_plugins.sources.html import read_page
from loresmith_plugins.sources.text import NotText, decode, first_heading, unified

_MARKDOWN = {".md", ".markdown"}
_HTML = {".html", ".htm"}


class FilesOptions(Options):
    """Options of source `files`."""

    path: str = Field(min_length=1, description="Folder, or one file, relative to the project")
    pattern: list[str] = Field(
        default=["**/*.md", "**/*.markdown", "**/*.txt", "**/*.html", "**/*.htm"],
        min_length=1,
        description="Which files of the folder",
    )


class Unreadable(Exception):
    """A file that cannot become a document, and what to do about it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class FilesSource:
    """Reads documents from a folder; their ids are paths under it, with forward slashes.

    Args:
        options: What the recipe says.
        root: The project folder.
    """

    def __init__(self, options: FilesOptions, root: Path) -> None:
        self._root = root
        self._start = (root / Path(options.path).expanduser()).resolve()
        self._patterns = [PurePosixPath(pattern).parts for pattern in options.pattern]
        self._shown = ", ".join(options.pattern)
        self._problems: list[Problem] = []

    def read(self, gives: Gives = "documents") -> list[Document]:  # noqa: ARG002
        """Return the documents, sorted by id.

        Raises:
            DataError: With every file that could not be read, or if there is no file at all.
        """
        self._problems = []
        documents = [document for path in self._paths() if (document := self._document(path))]
        if not documents and not self._problems:
            self._add(self._start, f"no file matches {self._shown}", "Set `pattern` in the recipe, or add documents.")
        if self._problems:
            raise DataError("documents cannot be read", self._problems)
        return documents

    def _paths(self) -> list[Path]:
        if self._start.is_file():
            return [self._start]
        if not self._start.is_dir():
            self._add(self._start, "there is no such file or folder", "Correct `path` in the recipe.")
            return []
        return sorted(self._walk(), key=lambda path: path.relative_to(self._start).as_posix())

    def _walk(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self._start, onerror=self._add_os_error):
            folders[:] = [name for name in folders if not name.startswith(".")]
            here = Path(folder)
            for name in folders:
                # Not descended into: what is inside the root is met anyway, what is outside is refused.
                if (here / name).is_symlink() and self._leads_out(here / name):
                    self._add(here / name, "is a link that leads out of the folder", "Copy the documents in.")
            for name in names:
                path = here / name
                parts = path.relative_to(self._start).parts
                if not name.startswith(".") and any(_matches(parts, pattern) for pattern in self._patterns):
                    yield path

    def _document(self, path: Path) -> Document | None:
        try:
            return self._load(path)
        except Unreadable as error:
            self._add(path, error.what, error.hint)
        except OSError as error:
            self._add_os_error(error, path)
        return None

    def _load(self, path: Path) -> Document:
        self._admit(path)
        try:
            text = unified(decode(path.read_bytes()))
        except NotText as error:
            raise Unreadable(str(error), "Save it as UTF-8.") from error
        page = read_page(text) if path.suffix.lower() in _HTML else None
        text = page.text if page else text
        if not text.strip():
            raise Unreadable("is empty", "Fill it or remove it.")
        base = self._start if self._start.is_dir() else self._start.parent
        heading = first_heading(text) if path.suffix.lower() in _MARKDOWN else ""
        name = path.relative_to(base).as_posix()
        if page:
            return Document(name, text, page.title or path.name, headings=page.headings)
        return Document(name, text, heading or path.name)

    def _admit(self, path: Path) -> None:
        if _printable(str(path)) != str(path):
            raise Unreadable("has a name that is not UTF-8", "Rename it.")
        if path.is_symlink():
            if not path.exists():
                raise Unreadable("is a broken link", "Restore its target or remove it.")
            if self._leads_out(path):
                raise Unreadable("is a link that leads out of the folder", "Copy the document in.")
        if not path.is_file():
            raise Unreadable("is no regular file", "Remove it, or narrow `pattern` in the recipe.")

    def _leads_out(self, path: Path) -> bool:
        return not path.resolve().is_relative_to(self._start)

    def _add(self, path: Path, what: str, hint: str = "") -> None:
        self._problems.append(Problem(what, file=_shown(path, self._root), hint=hint))

    def _add_os_error(self, error: OSError, path: Path | None = None) -> None:
        place = path or Path(error.filename or self._start)
        reason = (error.strerror or str(error)).lower()
        self._add(place, f"cannot be read: {reason}", "Check its permissions.")


def _shown(path: Path, root: Path) -> str:
    """Name a path as the user would: relative to the project where it is inside."""
    resolved = root.resolve()
    return _printable(str(path.relative_to(resolved) if path.is_relative_to(resolved) else path))


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the parts of a path fit those of a glob, in any case; `**` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or (bool(parts) and _matches(parts[1:], pattern))
    fits = bool(parts) and fnmatchcase(parts[0].lower(), pattern[0].lower())
    return fits and _matches(parts[1:], pattern[1:])
