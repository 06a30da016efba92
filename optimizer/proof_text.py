"""A certificate as text and back: what is stored beside a portfolio, so that anyone can replay its bound later.

JSON with every number in its shortest exact form. Lines that several parts share are written once, arrays that are mostly zero (half of
the scenarios are no losses) by their other entries. A text that is not a certificate is refused.
"""

import json
from dataclasses import fields
from typing import Any

import numpy as np

from optimizer.certificate import Certificate, Leaf, Line
from optimizer.errors import BadUniverse
from optimizer.reach import ReachProof

_PARTS = {part.__name__: part for part in (Certificate, Leaf, ReachProof)}


def as_text(certificate: Certificate) -> str:
    """Write a certificate as JSON: its lines, and the parts that point to them."""
    lines: dict[int, dict[str, Any]] = {}
    places: dict[int, int] = {}

    def written(value: Any) -> Any:
        if isinstance(value, Line):
            if id(value) not in places:
                places[id(value)] = len(lines)
                lines[id(value)] = {field.name: written(getattr(value, field.name)) for field in fields(value)}
            return {"line": places[id(value)]}
        if type(value).__name__ in _PARTS:
            return {"part": type(value).__name__} | {field.name: written(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, np.ndarray):
            return _array_written(value)
        if isinstance(value, tuple):
            return [written(one) for one in value]
        return value if isinstance(value, str) or value is None else float(value)

    whole = written(certificate)
    return json.dumps({"lines": list(lines.values()), "certificate": whole}, separators=(",", ":"))


def from_text(text: str) -> Certificate:
    """Read a certificate.

    Raises
    ------
    BadUniverse
        If the text is not one that `as_text` wrote.
    """
    try:
        document = json.loads(text)
        lines = [Line(**{name: _read(value, []) for name, value in line.items()}) for line in document["lines"]]
        certificate = _read(document["certificate"], lines)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise BadUniverse(f"this is no certificate ({type(error).__name__}: {error}); build the portfolio's month again") from error
    if not isinstance(certificate, Certificate):
        raise BadUniverse(f"this is no certificate but a {type(certificate).__name__}; build the portfolio's month again")
    return certificate


def _read(value: Any, lines: list[Line]) -> Any:
    if isinstance(value, list):
        return tuple(_read(one, lines) for one in value)
    if not isinstance(value, dict):
        return value
    if "line" in value:
        return lines[value["line"]]
    if "part" in value:
        return _PARTS[value["part"]](**{name: _read(one, lines) for name, one in value.items() if name != "part"})
    whole = np.zeros(int(np.prod(value["shape"])))
    whole[np.asarray(value["at"], dtype=np.int64) if "at" in value else slice(None)] = np.asarray(value["values"], dtype=float)
    return whole.reshape(value["shape"])


def _array_written(array: np.ndarray) -> dict[str, Any]:
    flat = array.astype(float).ravel()
    where = np.flatnonzero(flat)
    if 3 * len(where) > 2 * len(flat):  # a place costs less than half of a number
        return {"shape": list(array.shape), "values": flat.tolist()}
    return {"shape": list(array.shape), "at": where.tolist(), "values": flat[where].tolist()}
