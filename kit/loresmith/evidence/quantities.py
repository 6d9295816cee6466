"""Numbers with their units in a text, in the ways people write them, and whether two are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from loresmith.evidence.moments import Moment, moments, same_moment

# Factor and dimension of each unit; units of one dimension are converted.
_UNITS: dict[str, tuple[Fraction, str]] = {}
for _dimension, _names in {
    "time": {"1": "second sec secs s", "60": "minute min mins", "3600": "hour hr hrs h", "86400": "day",
             "604800": "week"},
    "months": {"1": "month", "12": "year yr yrs"},
    "length": {"1": "mm millimetre millimeter", "10": "cm centimetre centimeter", "1000": "m metre meter",
               "1000000": "km kilometre kilometer"},
    "mass": {"1": "g gram gramme", "1000": "kg kilo kilogram kilogramme kgs", "1000000": "tonne"},
    "volume": {"1": "ml millilitre milliliter", "1000": "l litre liter"},
    "bytes": {"1": "kb", "1024": "mb", "1048576": "gb"},
    "pound": {"100": "£ pound gbp quid", "1": "pence penny p"},
    "dollar": {"100": "$ dollar usd", "1": "cent"},
    "euro": {"1": "€ euro eur"},
    "yen": {"1": "¥ yen"},
    "mark": {"1": "mark"},
    "share": {"1/100": "% percent"},
    "degree": {"1": "° degree"},
    "knot": {"1": "knot kn"},
    "mile": {"1": "mile"},
}.items():  # fmt: skip
    for _factor, _words in _names.items():
        for _word in _words.split():
            _UNITS[_word] = (Fraction(_factor), _dimension)

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: n for n, word in enumerate(_SMALL)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000, "dozen": 12}
_ORDINALS = {
    word: n
    for n, word in enumerate(
        ["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"], 3
    )
}
_VULGAR = {"½": Fraction(1, 2), "¼": Fraction(1, 4), "¾": Fraction(3, 4), "⅓": Fraction(1, 3), "⅔": Fraction(2, 3)}

_SCALE = "|".join(_SCALES)
_SPELT = rf"(?:{'|'.join([*_VALUES, *_SCALES])})"
_NUMBER = re.compile(
    r"(?P<phone>(?<![\w.,])(?:\+\d{1,3}[ \u00a0-]?)?\(?0?\d{2,5}\)?(?:[ \u00a0-]\d{2,5}){2,4}(?![\w:]|[.,]\d))"
    r"|(?P<code>\b(?-i:[A-Z]{1,5}-?\d{1,5}[A-Z]?)\b)"
    r"|(?:(?P<sign>[£$€¥]) ?)?(?P<digits>(?<![\w.:,])\d{1,3}(?:[,’'\u00a0\u202f]\d{3})+(?:\.\d+)?(?![\d])"
    r"|(?<![\w:])(?<!\d[.,])\d+(?:[.,]\d+)?)(?P<vulgar>[½¼¾⅓⅔])?"
    rf"(?P<scale> ?(?:k|bn)\b| (?:{_SCALE})s?\b)?"
    r"(?P<ordinal>(?:st|nd|rd|th)\b)?"
    r"|(?P<lone>[½¼¾⅓⅔])"
    rf"|\b(?P<spelt>(?:an? (?=(?:{_SCALE})\b))?{_SPELT}(?:(?: and |[ -]){_SPELT})*)\b"
    rf"|\b(?P<place>{'|'.join(_ORDINALS)})\b"
    r"|\b(?P<half>half)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[ \u00a0-]?(per cent\b|[%°€£$](?!\d)|[A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, a code such as a telephone's, or a moment, as a text gives it.

    Args:
        value: In the base unit of its dimension; None for a code or a moment.
        dimension: What it measures, or "" where no known unit stands by it.
        factor: What one of the written unit is in the base unit.
        code: A telephone number or a form's name, without spaces.
        moment: A date or time of day.
        spelt: Whether it is written in words and without a known unit, as counts of persons and things are.
    """

    text: str
    start: int
    end: int
    value: Fraction | None = None
    dimension: str = ""
    factor: Fraction = Fraction(1)
    code: str = ""
    moment: Moment | None = None
    spelt: bool = False

    @property
    def plain(self) -> Fraction | None:
        """The number as it is written, whatever its unit."""
        return None if self.value is None else self.value / self.factor


def quantities(text: str) -> list[Quantity]:
    """Return the numbers, codes and moments of a text, in order. A lone `one` is no number: it stands for a thing."""
    found = [Quantity(text[m.start : m.end], m.start, m.end, moment=m) for m in moments(text)]
    taken = [(each.start, each.end) for each in found]
    numbers = [n for n in _numbers(text) if all(n.end <= start or n.start >= end for start, end in taken)]
    return sorted([*found, *numbers], key=lambda each: each.start)


def same(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities are the same: moments and codes as such, numbers by value if their units agree.

    A number without a unit, as in the cell of a table, agrees with any unit.
    """
    if one.moment is not None or other.moment is not None:
        return one.moment is not None and other.moment is not None and same_moment(one.moment, other.moment)
    if one.code or other.code:
        return one.code == other.code
    if one.dimension and other.dimension:
        return one.dimension == other.dimension and one.value == other.value
    share = "share" in (one.dimension, other.dimension)
    return one.plain == other.plain or (share and one.value == other.value)


def comparable(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities could stand in each other's place: of one kind, and of units that agree."""
    if one.moment is not None or other.moment is not None:
        both = one.moment is not None and other.moment is not None
        return both and (one.moment.minutes is None) == (other.moment.minutes is None)  # type: ignore[union-attr]
    if one.code or other.code:
        return bool(one.code and other.code)
    return one.dimension == other.dimension or not one.dimension or not other.dimension


def _numbers(text: str) -> Iterator[Quantity]:
    for match in _NUMBER.finditer(text):
        found = {name: value for name, value in match.groupdict().items() if value}
        start, end = match.span()
        if "phone" in found and not _is_telephone(found["phone"]):
            yield from _single(text, match.start(), match.end())
        elif "phone" in found or "code" in found:
            yield Quantity(text[start:end], start, end, code=_code(match[0]))
        elif (value := _value(found)) is not None:
            yield _with_unit(text, start, end, value, found)


def _single(text: str, start: int, end: int) -> Iterator[Quantity]:
    """Yield the numbers of a row of numbers that is no telephone's: `60 40 40`."""
    for match in re.finditer(r"\d+", text[start:end]):
        yield Quantity(match[0], start + match.start(), start + match.end(), Fraction(int(match[0])))


def _is_telephone(written: str) -> bool:
    return written.lstrip("(").startswith(("0", "+")) and len(re.sub(r"\D", "", written)) >= 6


def _code(written: str) -> str:
    return re.sub(r"[\s()\u00a0-]", "", written).upper()


def _value(found: dict[str, str]) -> Fraction | None:
    if "digits" in found:
        digits = _decimal(found["digits"])
        scale = found.get("scale", "").strip().casefold().removesuffix("s")
        factor = {"k": 1000, "bn": 1_000_000_000}.get(scale) or _SCALES.get(scale, 1)
        return (digits + _VULGAR.get(found.get("vulgar", ""), 0)) * factor
    if "lone" in found:
        return _VULGAR[found["lone"]]
    if "half" in found:
        return Fraction(1, 2)
    if "place" in found:
        return Fraction(_ORDINALS[found["place"].casefold()])
    return _spelt(found.get("spelt", ""))


def _decimal(written: str) -> Fraction:
    plain = re.sub(r"[,’'\u00a0\u202f](?=\d{3}(?:\D|$))", "", written)
    return Fraction(plain.replace(",", "."))


def _spelt(written: str) -> Fraction | None:
    total = part = 0
    words = [word for word in re.split(r"[ -]", written.casefold()) if word not in ("and", "a", "an")]
    if words == ["one"]:
        return None
    for word in words:
        if word in _SCALES:
            part = max(part, 1) * _SCALES[word]
            if _SCALES[word] >= 1000:
                total, part = total + part, 0
        else:
            part += _VALUES[word]
    if not any(word in _VALUES for word in words) and not re.match(r"an? ", written, re.IGNORECASE):
        return None
    return Fraction(total + part)


def _with_unit(text: str, start: int, end: int, value: Fraction, found: dict[str, str]) -> Quantity:
    unit = found.get("sign", "")
    behind = _UNIT.match(text, end)
    if not unit and behind and "ordinal" not in found and "place" not in found:
        unit = _named(behind[1])
        end = behind.end() if unit else end
    factor, dimension = _UNITS.get(unit, (Fraction(1), ""))
    spelt = not dimension and not text[start].isdigit()
    return Quantity(text[start:end], start, end, value * factor, dimension, factor, spelt=spelt)


def _named(word: str) -> str:
    """Return the name under which a unit is kept, or "" if the word is none."""
    folded = word.casefold()
    if folded == "per cent":
        return "%"
    for name in (folded, folded.removesuffix("s"), folded.removesuffix("es")):
        if name in _UNITS and not (len(name) == 1 and name.isalpha() and word != name):
            return name
    return ""
