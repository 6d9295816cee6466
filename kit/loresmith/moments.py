"""Points in time as they are kept (UTC, ISO 8601) and as they are shown, and durations."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return this moment, to the microsecond: `2026-11-22T01:31:05.123456Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(moment: str) -> str:
    """Return a kept moment for people: `2026-11-22 01:31 UTC`; what is no moment comes back as it is."""
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return moment


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
