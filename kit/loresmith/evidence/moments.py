"""Dates and times of day in a text, in the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")  # fmt: skip
_MONTH = r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"  # noqa: E501
_YEAR = r"(?P<{0}>(?:1[5-9]|20)\d\d)(?![\d.,:]\d|\d)"
_ORDINAL = r"(?:st|nd|rd|th)?"
_DATE = re.compile(
    "|".join([
        r"\b(?P<y1>\d{4})-(?P<m1>\d{2})-(?P<d1>\d{2})\b",
        rf"\b(?P<d2>\d{{1,2}}){_ORDINAL}(?: of)? +{_MONTH.format('m2')}(?:,? +{_YEAR.format('y2')})?",
        rf"\b{_MONTH.format('m3')} +(?P<d3>\d{{1,2}}){_ORDINAL}\b(?![:.]\d)(?:,? +{_YEAR.format('y3')})?",
        rf"\b{_MONTH.format('m4')},? +{_YEAR.format('y4')}",
        r"(?<![\d/.])(?P<a5>\d{1,2})/(?P<b5>\d{1,2})(?:/(?P<y5>\d{4}|\d{2}))?(?![\d/])",
        r"(?<![\d/.])(?P<a6>\d{1,2})\.(?P<b6>\d{1,2})\.(?P<y6>\d{4}|\d{2})(?!\d)",
    ]),
    re.IGNORECASE,
)  # fmt: skip
# "up to 10 may board" names no day.
_LONE = re.compile(r"\s*(?:$|[^\w\s])")
_HOURS = {
    word: n
    for n, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_HOUR_WORD = "|".join(_HOURS)
_HALF = r"(?:a\.?m\b\.?|p\.?m\b\.?)"
_TIME = re.compile(
    rf"(?P<clock>(?<![\d.:,])(?P<h1>[01]?\d|2[0-4])(?P<mark>[:h]|\.(?=\d\d ?{_HALF}))(?P<n1>[0-5]\d)(?![\d:]|\.\d)"
    rf"(?: ?(?P<p1>{_HALF}))?)"
    rf"|(?<![\d.:,])(?P<h2>\d{{1,2}}) ?(?P<p2>{_HALF})(?!\w)"
    rf"|(?<![\d.:,])(?P<h3>\d{{1,2}}|\b(?:{_HOUR_WORD})) ?o['’]clock\b(?: ?(?P<p3>{_HALF}))?"
    rf"|\b(?P<rel>half past|quarter past|quarter to|a quarter to|a quarter past) (?P<h4>\d{{1,2}}|{_HOUR_WORD})\b"
    r"|\b(?P<name>noon|midday|midnight)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or a time of day as a text gives it.

    Args:
        dates: Every (month, day) it can mean, 0 for what it does not say; empty for a time of day. `03/04` means two.
        year: The year, or 0.
        minutes: Minutes since midnight, or None for a date.
        half_told: Whether a time tells the half of the day; `half past nine` does not.
    """

    start: int
    end: int
    dates: frozenset[tuple[int, int]] = frozenset()
    year: int = 0
    minutes: int | None = None
    half_told: bool = True


def moments(text: str) -> list[Moment]:
    """Return the dates and times of day of a text, in order; where two readings overlap, the date holds."""
    dates = list(_dates(text))
    taken = [(each.start, each.end) for each in dates]
    times = [t for t in _times(text) if all(t.end <= start or t.start >= end for start, end in taken)]
    return sorted([*dates, *times], key=lambda each: each.start)


def same_moment(one: Moment, other: Moment) -> bool:
    """Whether two moments are the same as far as both tell."""
    if one.minutes is None or other.minutes is None:
        years = not one.year or not other.year or one.year == other.year
        return one.minutes is None and other.minutes is None and years and _same_day(one, other)
    if one.half_told and other.half_told:
        return one.minutes == other.minutes
    return one.minutes % 720 == other.minutes % 720


def _same_day(one: Moment, other: Moment) -> bool:
    return any(
        a[0] == b[0] and (not a[1] or not b[1] or a[1] == b[1]) and bool(a[1]) == bool(b[1])
        for a in one.dates
        for b in other.dates
    )


def _dates(text: str) -> Iterator[Moment]:
    for match in _DATE.finditer(text):
        found = {name[0]: value for name, value in match.groupdict().items() if value}
        year = _year(found.get("y", ""))
        if "a" in found:
            first, second = int(found["a"]), int(found["b"])
            pairs = {(m, d) for m, d in ((second, first), (first, second)) if 1 <= m <= 12 and 1 <= d <= 31}
        else:
            month = found["m"]
            if month == "may" and not (year or _LONE.match(text, match.end())):
                continue
            number = int(month) if month.isdigit() else _month(month)
            pairs = {(number, int(found.get("d", 0)))}
            if not 1 <= number <= 12 or (found.get("d") and not 1 <= int(found["d"]) <= 31):
                continue
        if pairs:
            end = match.end() - match[0].endswith(".")
            yield Moment(match.start(), end, frozenset(pairs), year)


def _year(written: str) -> int:
    return (2000 if len(written) == 2 else 0) + int(written) if written else 0


def _month(written: str) -> int:
    return 1 + next(i for i, name in enumerate(_NAMES) if name.startswith(written[:3].casefold()))


def _times(text: str) -> Iterator[Moment]:
    for match in _TIME.finditer(text):
        found = {name: value for name, value in match.groupdict().items() if value}
        half = next((found[name][0].casefold() for name in ("p1", "p2", "p3") if name in found), "")
        minutes, told = _minutes(found), bool(half) or "clock" in found or "name" in found
        if minutes is None or minutes > 1440 or (half and minutes >= 780):
            continue
        if half:
            minutes = minutes % 720 + (720 if half == "p" else 0)
        yield Moment(match.start(), match.end(), minutes=minutes % 1440, half_told=told)


def _minutes(found: dict[str, str]) -> int | None:
    if "name" in found:
        return 0 if found["name"].casefold() == "midnight" else 720
    hour = next(found[name] for name in ("h1", "h2", "h3", "h4") if name in found).casefold()
    value = _HOURS.get(hour) or int(hour)
    if "h1" in found:
        return value * 60 + int(found["n1"])
    past = {"half past": 30, "quarter past": 15, "quarter to": -15}
    shift = past.get(found.get("rel", "").casefold().removeprefix("a "), 0)
    return value * 60 + shift if 0 <= value <= 24 else None
