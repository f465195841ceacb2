import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from tests.serve.example import NOW, proof

from model.proof.record import Bar, Bin, Gain
from serve.pages import charts, lifeline, shapes
from serve.pages.wording import Wording

EN = Wording("en", ZoneInfo("UTC"))
PROOF = proof()
SAID = [(NOW, 0.4)]
TWICE = [(NOW - timedelta(days=9), 0.1), (NOW - timedelta(days=2), 0.6), (NOW, 0.4)]
CURVE = {7: 0.08, 30: 0.4, 90: 0.55}
HOSTILE = "</text><script>alert(1)</script>&\"'"


def steps(*shares: float, start: float = -2.0) -> list[charts.Step]:
    """Line up moves from a start."""
    levels = list(accumulate(shares, initial=start))
    return [
        charts.Step(f"fact {i}", before, after)
        for i, (before, after) in enumerate(pairwise(levels), 1)
    ]


def dots(*hours: float) -> list[lifeline.Dot]:
    """Let something happen so many hours ago."""
    return [lifeline.Dot(NOW - timedelta(hours=h), "Event") for h in hours]


def levels(*reached: int) -> list[shapes.Level]:
    """Let so many leads reach stages, of which the last one is won."""
    states = ["open"] * (len(reached) - 1) + ["won"]
    pairs = zip(reached, states, strict=True)
    return [shapes.Level(f"stage {n}", n, f"{n} here", state) for n, state in pairs]


EVERY: dict[str, Callable[[], Markup]] = {
    "waterfall": lambda: charts.waterfall(-2.0, steps(0.5, -0.3), EN),
    "no steps": lambda: charts.waterfall(-2.0, [], EN),
    "bar": lambda: charts.probability_bar(0.4, 0.1, EN),
    "reliability": lambda: charts.reliability(PROOF.reliability, EN),
    "no bins": lambda: charts.reliability([], EN),
    "gain": lambda: charts.gain(PROOF.gains, EN),
    "histogram": lambda: charts.histogram(PROOF.histogram, EN),
    "no bars": lambda: charts.histogram([], EN),
    "timeline": lambda: lifeline.lifeline(dots(5, 90), ["Event"], SAID, EN),
    "one moment": lambda: lifeline.lifeline(dots(0), ["Event"], SAID, EN),
    "chance over time": lambda: lifeline.lifeline(dots(5, 90), ["Event"], TWICE, EN),
    "chance alone": lambda: lifeline.lifeline([], [], TWICE, EN),
    "curve": lambda: shapes.curve(CURVE, EN),
    "no hope": lambda: shapes.curve({30: 0.0}, EN),
    "funnel": lambda: shapes.funnel("All", levels(100, 40, 7), EN),
    "no stages": lambda: shapes.funnel("All", [], EN),
    "hostile stage": lambda: shapes.funnel(
        HOSTILE, [shapes.Level(HOSTILE, 1, HOSTILE, "open")], EN
    ),
    "hostile": lambda: charts.waterfall(0, [charts.Step(HOSTILE, 0, 1)], EN),
}


def places(svg: str) -> list[float]:
    """Read every place across, in percent."""
    return [float(x) for x in re.findall(r' (?:x|x1|x2|cx)="([^"]*)%"', svg)]


def drawn(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    """Find what is drawn with a tag of a kind."""
    found = [e.attrib for e in ET.fromstring(svg).iter(tag)]
    return [attributes for attributes in found if attributes["class"] == kind]


@pytest.mark.parametrize("name", EVERY)
def test_chart_is_a_named_image(name: str) -> None:
    """Every chart is well-formed, has a name, and needs no script or style."""
    svg = EVERY[name]()

    root = ET.fromstring(svg)

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == root.findtext("title")
    assert {element.tag for element in root.iter()} <= {
        "svg", "title", "g", "text", "line", "rect", "circle",
    }  # fmt: skip
    assert not any("style" in element.attrib for element in root.iter())


@pytest.mark.parametrize("name", EVERY)
def test_chart_keeps_inside(name: str) -> None:
    """Nothing is drawn beyond the left or the right edge."""
    assert all(0 <= place <= 100 for place in places(EVERY[name]()))


@given(
    start=st.floats(-8, 8),
    shares=st.lists(st.floats(-6, 6), max_size=12),
)
def test_waterfall_stands_any_shares(start: float, shares: list[float]) -> None:
    """Whatever the shares, bars stay inside and every step is there."""
    svg = charts.waterfall(start, steps(*shares, start=start), EN)

    bars = list(ET.fromstring(svg).iter("rect"))
    assert len(bars) == len(shares) + 2
    assert all(-0.01 <= place <= 100.01 for place in places(svg))
    assert "nan" not in svg


def test_waterfall_joins_up() -> None:
    """Each bar begins where the last one ended, and the last ends at the chance."""
    svg = charts.waterfall(-2.0, steps(1.0, 0.5, -0.7), EN)

    rects = [e.attrib for e in ET.fromstring(svg).iter("rect")]
    left = [float(r["x"].rstrip("%")) for r in rects]
    right = [float(r["x"].rstrip("%")) + float(r["width"].rstrip("%")) for r in rects]
    kinds = [r["class"] for r in rects]
    assert kinds == ["level", "for", "for", "against", "level"]
    assert left[1] == pytest.approx(right[0], abs=0.02)
    assert left[2] == pytest.approx(right[1], abs=0.02)
    assert right[3] == pytest.approx(right[2], abs=0.02)
    assert left[3] == pytest.approx(right[4], abs=0.02)


def test_length_of_a_bar_is_the_share() -> None:
    """A share of twice the log-odds is a bar of twice the length, wherever it is."""
    svg = charts.waterfall(-2.0, steps(1.0, 0.5, -1.0), EN)

    widths = [
        float(e.attrib["width"].rstrip("%"))
        for e in ET.fromstring(svg).iter("rect")
        if e.attrib["class"] != "level"
    ]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert widths[0] == pytest.approx(widths[2], rel=0.01)


def test_reliability_says_how_many_agree() -> None:
    """The name of the chart counts the groups whose range holds what was said."""
    bins = [Bin(0.1, 0.12, 0.08, 0.16, 50), Bin(0.5, 0.3, 0.2, 0.4, 50)]

    svg = charts.reliability(bins, EN)

    title = ET.fromstring(svg).findtext("title")
    assert title == (
        "Said against happened: 1 of 2 groups came true within their range"
    )


def test_truth_lies_on_the_diagonal() -> None:
    """A group of which as many converted as were said is drawn on the ideal line."""
    svg = charts.reliability([Bin(0.25, 0.25, 0.2, 0.28, 90)], EN)

    root = ET.fromstring(svg)
    (ideal,) = drawn(svg, "line", "ideal")
    dot = next(e.attrib for e in root.iter("circle"))
    x1, x2 = (float(ideal[k].rstrip("%")) for k in ("x1", "x2"))
    y1, y2 = (float(ideal[k]) for k in ("y1", "y2"))
    way = (float(dot["cx"].rstrip("%")) - x1) / (x2 - x1)
    assert way == pytest.approx(0.25 / 0.3, abs=0.001)
    assert float(dot["cy"]) == pytest.approx(y1 + way * (y2 - y1), abs=0.1)


def test_curve_goes_through_the_dots() -> None:
    """The line joins the very points that the dots stand at."""
    svg = charts.reliability(PROOF.reliability, EN)

    dots = [(d["cx"], d["cy"]) for d in drawn(svg, "circle", "dot")]
    curve = drawn(svg, "line", "curve")
    joined = [(c["x1"], c["y1"]) for c in curve] + [(curve[-1]["x2"], curve[-1]["y2"])]
    assert [(float(x.rstrip("%")), float(y)) for x, y in joined] == [
        (float(x.rstrip("%")), float(y)) for x, y in dots
    ]


def test_gain_starts_at_nought() -> None:
    """Calling nobody finds nobody, so the curve starts in the corner."""
    svg = charts.gain([Gain(0.5, 0.8), Gain(1.0, 1.0)], EN)

    curve = drawn(svg, "line", "curve")
    (ideal,) = drawn(svg, "line", "ideal")
    assert len(curve) == 2
    assert (curve[0]["x1"], curve[0]["y1"]) == (ideal["x1"], ideal["y1"])
    assert (curve[1]["x2"], curve[1]["y2"]) == (ideal["x2"], ideal["y2"])


def test_histogram_is_to_scale() -> None:
    """A bar of half the count has half the height; an empty one is not drawn."""
    bars = [Bar(0.0, 0.5, 100), Bar(0.5, 0.8, 50), Bar(0.8, 1.0, 0)]

    svg = charts.histogram(bars, EN)

    heights = [float(e.attrib["height"]) for e in ET.fromstring(svg).iter("rect")]
    assert len(heights) == 2
    assert heights[0] == pytest.approx(2 * heights[1])


def test_timeline_of_many_events_stays_small() -> None:
    """Ten thousand events are drawn as a bounded number of dots."""
    many = dots(*(i / 10 for i in range(10_000)))

    svg = lifeline.lifeline(many, ["Event"], SAID, EN)

    assert svg.count("<circle") <= lifeline.BUCKETS + 1


def test_words_that_do_not_fit_are_cut() -> None:
    """A long name is shortened in the drawing and whole in the tooltip."""
    name = "a" * 200

    svg = charts.waterfall(0, [charts.Step(name, 0, 1)], EN)

    texts = [e.text or "" for e in ET.fromstring(svg).iter("text")]
    assert max(map(len, texts)) <= charts.LONGEST + 2
    assert name in svg


def test_chance_marks_are_where_the_bars_say() -> None:
    """The axis is in log-odds, so 50% lies where a bar of log-odds nought ends."""
    svg = charts.waterfall(-2.0, steps(2.0, 1.0), EN)

    root = ET.fromstring(svg)
    mark = next(e for e in root.iter("text") if e.text == "50%")
    bar = next(e.attrib for e in root.iter("rect") if e.attrib["class"] == "for")
    end = float(bar["x"].rstrip("%")) + float(bar["width"].rstrip("%"))
    assert float(mark.attrib["x"].rstrip("%")) == pytest.approx(end, abs=0.02)


def test_chance_over_time_is_drawn_to_scale() -> None:
    """The higher a chance was, the higher its dot; the likeliest is the highest."""
    svg = lifeline.lifeline([], [], TWICE, EN)

    heights = [-float(dot["cy"]) for dot in drawn(svg, "circle", "dot")]
    chances = [chance for _, chance in TWICE]
    order = sorted(range(3), key=lambda i: chances[i])
    assert order == sorted(range(3), key=lambda i: heights[i])
    lift = [(h - heights[0]) / (c - chances[0]) for h, c in
            zip(heights[1:], chances[1:], strict=True)]  # fmt: skip
    assert lift[0] == pytest.approx(lift[1], rel=1e-3)


def test_curve_rises_to_scale() -> None:
    """The dots of the curve stand as far and as high as days and chances say."""
    svg = shapes.curve(CURVE, EN)

    dots = drawn(svg, "circle", "dot")
    right, high = float(dots[-1]["cx"][:-1]), float(dots[-1]["cy"])
    for (days, chance), dot in zip(CURVE.items(), dots, strict=True):
        across = (float(dot["cx"][:-1]) - 2.0) / (right - 2.0)
        up = (104.0 - float(dot["cy"])) / (104.0 - high)
        assert across == pytest.approx(days / 90, abs=1e-3)
        assert up == pytest.approx(chance / 0.55, abs=1e-2)


def test_funnel_is_as_wide_as_leads_got_there() -> None:
    """Bars are in proportion to the leads that reached the stage, around the middle."""
    svg = shapes.funnel("All", levels(100, 40, 7), EN)

    bars = [*drawn(svg, "rect", "fill"), *drawn(svg, "rect", "for")]
    widths = [float(bar["width"][:-1]) for bar in bars]
    assert widths == pytest.approx([99.0, 39.6, 6.93])
    for bar, width in zip(bars, widths, strict=True):
        assert float(bar["x"][:-1]) + width / 2 == pytest.approx(50, abs=0.01)
