import math
import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wg_dagster.letters.charts import Bar, Line, drawdown_chart, line_chart, small_bar, tick_label, ticks, waterfall

DAYS = [date(2025, 2, 3) + timedelta(days=30 * k) for k in range(12)]


def texts(svg):
    return [(node.get("class"), float(node.get("x")), float(node.get("y")), node.text) for node in ET.fromstring(svg).iter("text")]


@given(st.floats(-0.99, 20), st.floats(-0.99, 20))
def test_ticks_are_evenly_spaced_round_values_that_enclose_the_range(one, other):
    marks = ticks(one, other)
    low, high = min(one, other), max(one, other)
    assert marks[0] <= low + 1e-8
    assert marks[-1] >= high - 1e-8
    steps = {round(b - a, 9) for a, b in pairwise(marks)}
    assert len(steps) == 1
    assert 2 <= len(marks) <= 9
    mantissa = steps.pop() / 10 ** math.floor(math.log10(marks[1] - marks[0]) + 1e-9)
    assert round(mantissa, 6) in (1, 2, 5)


def test_tick_labels_use_the_minus_of_the_language():
    assert [tick_label(-0.05, language) for language in ("ja", "en")] == ["△5%", "\N{MINUS SIGN}5%"]
    assert tick_label(0.025, "ja") == "2.5%"
    assert tick_label(0.1, "ja") == "10%"


def test_names_of_lines_that_end_together_do_not_overlap():
    lines = [
        Line(name, shown, kind, [(day, 0.01 * k) for k, day in enumerate(DAYS)])
        for name, shown, kind in (("A", "+11.00%", "portfolio"), ("B", "+11.00%", "benchmark"))
    ]
    heights = sorted(y for kind, _, y, _ in texts(line_chart("t", "d", lines, "ja", name="c")) if kind.split()[0] in ("name", "figure"))
    assert min(b - a for a, b in pairwise(heights)) >= 15


def test_a_line_goes_up_where_its_values_do():
    svg = line_chart("t", "d", [Line("A", "x", "portfolio", [(DAYS[0], 0.0), (DAYS[1], 0.1), (DAYS[2], -0.1)])], "ja", name="c")
    heights = [float(pair.split(",")[1]) for pair in re.search(r'class="line portfolio" d="M([^"]*)"', svg).group(1).split("L")]
    assert heights[1] < heights[0] < heights[2]


def test_a_waterfall_ends_where_its_parts_lead():
    bars = [Bar("a", 0.03, "+3"), Bar("b", -0.05, "-5"), Bar("sum", -0.02, "-2", is_total=True)]
    rects = list(ET.fromstring(waterfall("t", "d", bars, "ja", name="w")).iter("rect"))
    left = [float(rect.get("x")) for rect in rects]
    assert left[1] == pytest.approx(left[2], abs=0.2)  # both reach down to -2
    assert [rect.get("class") for rect in rects] == ["bar gain", "bar loss", "bar total"]


def test_charts_say_what_they_show():
    svg = drawdown_chart("下落率", "月末 △5%", [(DAYS[0], 0.0), (DAYS[1], -0.05)], "△5.00%", "ja", name="dd")
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "dd-title dd-desc"
    assert [root.find(tag).text for tag in ("title", "desc")] == ["下落率", "月末 △5%"]


def test_names_from_outside_stay_text():
    bars = [Bar("<script>alert(1)</script>\u202eabc", 0.01, "+1")]
    svg = waterfall("t", "d", bars, "ja", name="w")
    assert "<script" not in svg
    assert "\u202e" not in svg


def test_one_point_and_flat_series_still_draw():
    flat = [(day, 0.0) for day in DAYS]
    for points in ([(DAYS[0], 0.0)], flat):
        assert "<path" in line_chart("t", "d", [Line("A", "0%", "portfolio", points)], "en", name="c")
        assert "nan" not in drawdown_chart("t", "d", points, "0%", "en", name="c")


def test_a_small_bar_shows_its_allowed_band():
    svg = small_bar(-0.02, 0.03, band=0.05)
    assert 'class="band"' in svg
    assert 'class="bar loss"' in svg
