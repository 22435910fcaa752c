"""Values over time, in stretches whose number has a bound."""

import random

import pytest

from poet_import.events.timeline import Timeline


def timeline(values: list[tuple[float, str, float]]) -> Timeline:
    made = Timeline()
    for value in values:
        made.add(*value)
    return made


def test_order_in_which_values_come_changes_nothing() -> None:
    generator = random.Random(3)
    values = [(generator.uniform(1e9, 1e9 + 1e6), "ab"[number % 2], float(number % 5)) for number in range(2000)]
    shuffled = generator.sample(values, len(values))

    ours, others = timeline(values).points(), timeline(shuffled).points()

    assert [(one.begin, one.end, one.count) for one in ours] == [(one.begin, one.end, one.count) for one in others]
    assert (timeline(shuffled).begin, timeline(shuffled).end) == (min(values)[0], max(values)[0])
    assert [one.mean for one in ours] == pytest.approx([one.mean for one in others])
    assert (sum(one.count for one in ours), len(ours) <= 128) == (2000, True)


def test_point_holds_what_came_in_its_stretch() -> None:
    values = [(1e9 + second, "a" if second < 500 else "b", second / 1000) for second in range(1000)]

    points = timeline(values).points()

    for point in points:
        inside = [value for time, _, value in values if point.begin <= time < point.end]
        assert (point.count, point.mean) == (len(inside), pytest.approx(sum(inside) / len(inside)))
    assert sum(point.count for point in timeline(values).points("b")) == 500


def test_little_is_told_in_few_stretches() -> None:
    assert len(timeline([(1e9 + second, "a", 1.0) for second in range(50)]).points()) <= 8


def test_columns_have_room_for_what_did_not_come() -> None:
    columns = timeline([(1e9, "a", 1.0), (1e9 + 1, "a", 2.0), (1e9 + 100, "a", 3.0)]).columns(10)

    assert columns[0] is not None
    assert columns[-1] is not None
    assert 5 <= len(columns) <= 8
    assert (columns[0].mean, columns[-1].mean, columns.count(None)) == (1.5, 3.0, len(columns) - 2)


def test_nothing_has_no_points() -> None:
    assert (Timeline().points(), Timeline().columns(10)) == ([], [])
