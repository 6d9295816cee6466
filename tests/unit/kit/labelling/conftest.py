"""Fixtures of a small project whose split is frozen, and replies that are drawn without a model."""

from __future__ import annotations

from labelled_project import engine, host, project, unfrozen

__all__ = ["engine", "host", "project", "unfrozen"]
