from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wg_dagster.errors import UnknownValue
from wg_dagster.letters.display import LANGUAGES, NUMERIC_UNITS, date_value, display, month_value, parse_figure, without_unit

SCALES = {"fraction": 100, "weight": 100, "share": 100, "cost": 100, "points": 100, "band": 100}
DIGITS = {"cost": 3, "level": 4, "count": 0, "share": 0, "jpy": 0}


def test_negatives_print_as_a_triangle_in_japanese_and_with_a_minus_sign_in_english():
    assert display(-0.0433, "fraction", "ja") == "△4.33%"
    assert display(-0.0433, "fraction", "en") == "\N{MINUS SIGN}4.33%"


def test_gains_carry_a_plus_and_weights_do_not():
    assert display(0.0583, "fraction", "ja") == "+5.83%"
    assert display(0.0583, "weight", "ja") == "5.83%"


def test_zero_has_no_sign_even_where_it_was_rounded_from_a_small_loss():
    assert [display(value, "fraction", "ja") for value in (0.0, -0.0, -0.00004)] == ["0.00%"] * 3


def test_halves_round_to_even_on_the_decimal_figure():
    """0.00125 and 0.00135 are 0.125 % and 0.135 %: to even these are 0.12 and 0.14, though the second float lies below its decimal."""
    assert [display(value, "weight", "en") for value in (0.00125, 0.00135)] == ["0.12%", "0.14%"]


def test_differences_are_points_not_percent():
    """G1: -4.33 - (+5.83) = -10.16 points; G4: 207.95 - 129.62 = 78.33 points."""
    assert display(-0.0433 - 0.0583, "points", "ja") == "△10.16ポイント"
    assert display(2.0795 - 1.2962, "points", "en") == "+78.33 pp"
    assert without_unit("△10.16ポイント") == "△10.16"


def test_money_has_separators_and_its_currency():
    assert display(-1234567.0, "jpy", "ja") == "△1,234,567円"
    assert display(-1234567.0, "jpy", "en") == "\N{MINUS SIGN}¥1,234,567"
    assert display(1234.5, "usd", "en") == "$1,234.50"


def test_dates_and_months_are_spelled_out():
    assert display(date_value(date(2026, 1, 30)), "date", "ja") == "2026年1月30日"
    assert display(date_value(date(2026, 1, 30)), "date", "en") == "30 January 2026"
    assert display(month_value("2026-12"), "month", "ja") == "2026年12月"
    assert display(1769835540.0, "instant", "en") == "31 January 2026 04:59 UTC"


@pytest.mark.parametrize(
    "written",
    [
        "△4.33%",
        "Δ4.33",
        "\\Delta 4.33\\%",
        "▲4.33\N{FULLWIDTH PERCENT SIGN}",
        "-4.33",
        "\N{MINUS SIGN}4.33%",
        "\N{FULLWIDTH HYPHEN-MINUS}4.33",
        "(4.33)",
        "(4.33%)",
        "（4.33）%",
    ],
)
def test_every_notation_of_a_negative_is_read(written):
    """G2."""
    assert parse_figure(written) == Decimal("-4.33")


def test_text_with_two_figures_is_not_one_figure():
    with pytest.raises(UnknownValue, match="not one figure"):
        parse_figure("1.2 to 1.3")


def test_a_value_that_is_not_known_is_never_printed():
    with pytest.raises(UnknownValue, match="nan"):
        display(float("nan"), "fraction", "ja")


@given(st.floats(-1e6, 1e6), st.sampled_from(NUMERIC_UNITS), st.sampled_from(LANGUAGES))
def test_what_is_printed_reads_back_as_the_rounded_value(value, unit, language):
    digits = DIGITS.get(unit, 2)
    read = parse_figure(display(value, unit, language))
    assert abs(read - Decimal(repr(value)) * SCALES.get(unit, 1)) <= Decimal(1).scaleb(-digits) / 2
