"""Numbers that a sentence works out from others: `9.40 marks and 4.70 marks, 14.10 marks together`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, combinations

from loresmith.evidence.quantities import Quantity, same

MOST = 8
"""Numbers that are tried; more would make anything follow from something."""
_DAYS = tuple(accumulate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30), initial=0))


def follows(number: Quantity, others: Sequence[Quantity]) -> bool:
    """Whether a number is a sum, difference, product or share of others, or a moment so long before or after one."""
    operands = [other for other in others if not same(other, number)][:MOST]
    if number.code:
        return False
    if number.moment is not None:
        spans = [int(other.value // 60) for other in operands if other.dimension == "time" and other.value]
        months = [int(other.value) for other in operands if other.dimension == "months" and other.value]
        return any(_later(number, other, span) for other in operands for span in spans) or any(
            _months_later(number, other, span) for other in operands for span in months
        )
    values = [other.plain for other in operands if other.plain]
    return number.plain is not None and (_of_two(number.plain, values) or _sum(number.plain, values))


def _later(number: Quantity, other: Quantity, span: int) -> bool:
    one, another = number.moment, other.moment
    if one is None or another is None:
        return False
    if one.minutes is not None and another.minutes is not None:
        return (one.minutes - another.minutes) % 1440 in (span % 1440, -span % 1440)
    apart = {abs(_day(*a) - _day(*b)) for a in one.dates for b in another.dates if a[1] and b[1]}
    return span > 0 and span / 1440 in apart


def _months_later(number: Quantity, other: Quantity, span: int) -> bool:
    if number.moment is None or other.moment is None:
        return False
    pairs = ((a, b) for a in number.moment.dates for b in other.moment.dates)
    return any(a[1] == b[1] and (a[0] - b[0]) % 12 in (span % 12, -span % 12) for a, b in pairs)


def _day(month: int, day: int) -> int:
    return _DAYS[month - 1] + day


def _of_two(value: Fraction, values: Sequence[Fraction]) -> bool:
    pairs = [(a, b) for one, other in combinations(values, 2) for a, b in ((one, other), (other, one))]
    return any(value in (a + b, a - b, a * b, a * b / 100, a * (100 - b) / 100) for a, b in pairs)


def _sum(value: Fraction, values: Sequence[Fraction]) -> bool:
    return any(value == sum(group) for n in (3, 4) for group in combinations(values, n))
