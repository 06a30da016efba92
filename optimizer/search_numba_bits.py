"""Sixty-four scores at a time in compiled code: added, compared with a level, their maxima kept.

Plain vector instructions of LLVM, so any processor runs them with what it has, and to the same result. A caller sees to it that all
64 places are there.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 64
_SCORES = ir.VectorType(ir.IntType(16), LANES)


def _instruction(described: Callable[..., Any]) -> Any:
    """Callable from compiled code with the arguments after the first (numba types the call as that of the description)."""
    return intrinsic(described)


@_instruction
def add_lanes(_context, low, high, scores, start):  # noqa: ANN001, ANN201, ARG001 - numba's protocol: types in, signature and code out
    """`scores[start : start + 64] = low + high` of the same places."""

    def generate(context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        one, other, total = (
            _place(context, builder, kind, array, arguments[3]) for kind, array in zip((low, high, scores), arguments, strict=False)
        )
        builder.store(builder.add(builder.load(one, align=2), builder.load(other, align=2)), total, align=2)
        return context.get_dummy_value()

    return types.none(low, high, scores, types.intp), generate


@_instruction
def raise_lanes(_context, maxima, at, scores, start):  # noqa: ANN001, ANN201, ARG001
    """`maxima[at : at + 64]` raised to `scores[start : start + 64]` where these are larger."""

    def generate(context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        kept = _place(context, builder, maxima, arguments[0], arguments[1])
        old = builder.load(kept, align=2)
        new = builder.load(_place(context, builder, scores, arguments[2], arguments[3]), align=2)
        builder.store(builder.select(builder.icmp_unsigned(">", new, old), new, old), kept, align=2)
        return context.get_dummy_value()

    return types.none(maxima, types.intp, scores, types.intp), generate


@_instruction
def reaching(_context, values, start, level):  # noqa: ANN001, ANN201, ARG001
    """Bits of `values[start : start + 64] >= level`, lowest bit first."""

    def generate(context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        array, offset, wanted = arguments
        loaded = builder.load(_place(context, builder, values, array, offset), align=2)
        nothing = ir.Constant(_SCORES, ir.Undefined)
        one = builder.insert_element(nothing, wanted, ir.Constant(ir.IntType(32), 0))
        spread = builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), None))
        return builder.bitcast(builder.icmp_unsigned(">=", loaded, spread), ir.IntType(LANES))

    return types.uint64(values, types.intp, types.uint16), generate


@_instruction
def count_bits(_context, bits):  # noqa: ANN001, ANN201, ARG001
    """How many bits are set."""

    def generate(_context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.ctpop(arguments[0])

    return types.intp(types.uint64), generate


@_instruction
def lowest_bit(_context, bits):  # noqa: ANN001, ANN201, ARG001
    """Place of the lowest bit that is set; at least one must be."""

    def generate(_context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.uint64), generate


def _place(context, builder, kind, array, offset):  # noqa: ANN001, ANN202
    """Address of 64 values of an array of 16-bit numbers."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), _SCORES.as_pointer())
