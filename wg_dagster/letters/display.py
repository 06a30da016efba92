"""How a figure is printed in each language, and how a printed figure is read back.

Negatives print as △ in Japanese and with a minus sign in English; zero has no sign; halves round to even on the decimal figure.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from wg_dagster.errors import UnknownValue

Language = Literal["ja", "en"]
LANGUAGES: tuple[Language, ...] = ("ja", "en")
MISSING = "—"
MINUS = {"ja": "△", "en": "\N{MINUS SIGN}"}
_EPOCH = date(1970, 1, 1)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")

# Every way in which a negative figure is written: white triangle, Greek delta (also as TeX), black triangle, ASCII hyphen, minus sign,
# full-width hyphen. Parentheses are read below.
_MINUSES = ("\N{WHITE UP-POINTING TRIANGLE}", "\N{GREEK CAPITAL LETTER DELTA}", "\N{BLACK UP-POINTING TRIANGLE}", "\\Delta")
_MINUS_SIGNS = ("-", "\N{MINUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}")
_FIGURE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")


def rounded(value: float, digits: int, *, scale: int = 1) -> Decimal:
    """A figure at its printed precision, halves to even: decided on the shortest decimal that names the float."""
    if not math.isfinite(value):
        raise UnknownValue(f"value {value} cannot be printed; leave the fact out where a figure is not known")
    return (Decimal(repr(float(value))) * scale).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def display(value: float, unit: str, language: Language) -> str:
    """A value as printed, by its unit (keys of `UNITS`)."""
    if unit not in _FORMATS:
        raise UnknownValue(f"unit {unit!r} has no printed form; known: {', '.join(sorted(_FORMATS))}")
    return _FORMATS[unit](value, language)


def without_unit(shown: str) -> str:
    """A printed difference where the head of its column already says points."""
    return shown.removesuffix("ポイント").removesuffix(" pp")


def is_zero(shown: str) -> bool:
    """A figure that reads as zero at its printed precision."""
    return not re.search(r"[1-9]", shown)


def parse_figure(text: str) -> Decimal:
    """Read a printed figure back, in points or percent as printed: every notation of a negative, signs, separators, units.

    >>> [str(parse_figure(text)) for text in ("△4.33%", "-4.33", "(4.33%)", "+1,234円")]
    ['-4.33', '-4.33', '-4.33', '1234']
    """
    plain = text.strip().strip("$").strip()
    inside = re.fullmatch(r"[(（](.*)[)）]([^\d]*)", plain)
    negative = inside is not None
    if inside:
        plain = inside.group(1).strip()
    for sign in (*_MINUSES, *_MINUS_SIGNS):
        if plain.startswith(sign):
            negative, plain = True, plain[len(sign) :].strip()
            break
    found = _FIGURE.findall(plain)
    if len(found) != 1:
        raise UnknownValue(f"{text!r} is not one figure; write it like △4.33%, -4.33 or (4.33)")
    figure = Decimal(found[0].replace(",", ""))
    return -figure if negative and figure else figure


def date_value(day: date) -> float:
    """A day as the value of a fact: days since 1970-01-01."""
    return float((day - _EPOCH).days)


def month_value(month: str) -> float:
    """A month (YYYY-MM) as the value of a fact: months since year 0."""
    year, number = map(int, month.split("-"))
    return float(year * 12 + number - 1)


def _signed(figure: Decimal, language: Language, *, plus: bool) -> str:
    sign = MINUS[language] if figure < 0 else "+" if plus and figure > 0 else ""
    return f"{sign}{abs(figure):,}"


def _number(
    digits: int, *, scale: int = 1, plus: bool = False, ja: str = "", en: str = "", before: str = ""
) -> Callable[[float, Language], str]:
    def show(value: float, language: Language) -> str:
        printed = _signed(rounded(value, digits, scale=scale), language, plus=plus)
        if before and language == "en":
            sign, figure = (printed[0], printed[1:]) if printed[0] in MINUS.values() else ("", printed)
            return f"{sign}{before}{figure}"
        return printed + (ja if language == "ja" else en)

    return show


def _date(value: float, language: Language) -> str:
    day = _EPOCH + timedelta(days=int(value))
    return f"{day.year}年{day.month}月{day.day}日" if language == "ja" else f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _month(value: float, language: Language) -> str:
    year, number = divmod(int(value), 12)
    return f"{year}年{number + 1}月" if language == "ja" else f"{_MONTHS[number]} {year}"


def _instant(value: float, language: Language) -> str:
    at = datetime.fromtimestamp(value, UTC)
    return f"{_date(date_value(at.date()), language)} {at:%H:%M} UTC"


def _verdict(value: float, language: Language) -> str:
    if value not in (0.0, 1.0):
        raise UnknownValue(f"verdict {value} is neither 1 (pass) nor 0 (fail); recompute the fact")
    return {"ja": ("不適合", "適合"), "en": ("Fail", "Pass")}[language][int(value)]


_FORMATS: dict[str, Callable[[float, Language], str]] = {
    "fraction": _number(2, scale=100, plus=True, ja="%", en="%"),
    "weight": _number(2, scale=100, ja="%", en="%"),
    "cost": _number(3, scale=100, ja="%", en="%"),
    "points": _number(2, scale=100, plus=True, ja="ポイント", en=" pp"),
    "band": _number(2, scale=100, ja="ポイント", en=" pp"),
    "share": _number(0, scale=100, ja="%", en="%"),
    "ratio": _number(2),
    "score": _number(2, plus=True),
    "level": _number(4),
    "count": _number(0),
    "jpy": _number(0, ja="円", before="¥"),
    "usd": _number(2, ja="米ドル", before="$"),
    "series": _number(0, ja="点の系列", en=" points"),
    "date": _date,
    "month": _month,
    "instant": _instant,
    "verdict": _verdict,
}
UNITS = tuple(_FORMATS)
NUMERIC_UNITS = ("fraction", "weight", "share", "cost", "points", "band", "ratio", "score", "level", "count", "jpy", "usd")
