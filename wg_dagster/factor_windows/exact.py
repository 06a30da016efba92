"""Exact sums of products of whole numbers.

A number is written in digits of 16 bits; matrices of digits in floating point multiply and add without rounding, and much faster than
whole numbers do.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

BITS = 16
LARGEST = 2**38  # of a number that is split: its digits' products, added over a window, stay below 2**53
HUGEINT = pa.opaque(pa.binary(16), "hugeint", "DuckDB")  # cast from decimals, the same numbers take twenty times as long
Digits = list[np.ndarray]  # lowest first: the value is the sum of digit k times 2**(16 k); digits may be negative and larger than 16 bits


def split(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """High and low part as floating-point numbers: value = high * 2**16 + low, 0 <= low < 2**16."""
    low = values & (2**BITS - 1)
    return ((values - low) >> BITS).astype(np.float64), low.astype(np.float64)


def minus(one: Digits, *others: Digits) -> Digits:
    """One number less the others, digit by digit."""
    return [digit - sum(other[k] if k < len(other) else 0 for other in others) for k, digit in enumerate(one)]


def plus(one: Digits, other: Digits) -> Digits:
    """Sum of two numbers of as many digits."""
    return [left + right for left, right in zip(one, other, strict=True)]


def as_int64(digits: Digits) -> np.ndarray:
    """The values, which must fit into 64 bits."""
    return sum((_whole(digit) << (BITS * k) for k, digit in enumerate(digits)), start=np.zeros(len(digits[0]), np.int64))


def as_hugeint(digits: Digits, valid: np.ndarray) -> pa.Array:
    """The values as whole numbers of 128 bits as DuckDB takes them, null where not `valid`."""
    words = np.empty((len(valid), 8), np.uint16)
    carry = np.zeros(len(valid), np.int64)
    for place in range(8):
        carry = carry + (_whole(digits[place]) if place < len(digits) else 0)
        words[:, place] = carry & (2**BITS - 1)
        carry >>= BITS
    bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.ExtensionArray.from_storage(HUGEINT, pa.Array.from_buffers(HUGEINT.storage_type, len(valid), [bits, pa.py_buffer(words)]))


def products(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Digits of the products of two numbers given as (high, low): three digits."""
    return [left[1] * right[1], left[0] * right[1] + left[1] * right[0], left[0] * right[0]]


def _whole(digit: np.ndarray) -> np.ndarray:
    return digit.astype(np.int64)
