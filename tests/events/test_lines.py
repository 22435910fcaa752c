"""A line of JSON that is put together by hand says what the event says."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_import.events import lines
from poet_import.events.event import execution_of
from poet_import.events.lines import lines_of

TEXTS = st.text(max_size=20)
TIMES = st.integers(min_value=10**15, max_value=2 * 10**18)
FAILURES = st.tuples(st.sampled_from(["operate_error", "closed"]), TEXTS, TEXTS, TEXTS, st.none() | TEXTS)
CALLS = st.tuples(
    st.integers(min_value=1, max_value=10**15),
    st.integers(min_value=0, max_value=10**14),
    st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    st.integers(min_value=1),
    TEXTS,
    TEXTS.map(lambda text: f"{text.replace('@', '')}@own-0123456789ab"),
    st.integers(min_value=0, max_value=99),
    st.none() | FAILURES,
    st.just(False) | st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.none() | TEXTS,
).map(lambda call: (call[0], call[0] + call[1], *call[2:]))


@given(st.lists(CALLS, min_size=1, max_size=5), TIMES)
def test_lines_of_calls_are_the_json_of_their_events(calls: list[tuple[object, ...]], since: int) -> None:
    # No result is kept where no values are recorded.
    items: Any = [(*call[:9], None) if call[8] is False else call for call in calls]
    events = [execution_of(item, since) for item in items]

    lines = lines_of(items, since)

    assert list(map(json.loads, lines)) == [json.loads(json.dumps(event.to_dict())) for event in events]
    assert all(line.endswith("}\n") and line.count("\n") == 1 for line in lines)


@pytest.mark.parametrize(
    ("begun", "ended", "start", "end"),
    [
        (0, 999_999_999, "1.000000", "1.999999"),
        (0, 1_000_000_000, "1.000000", "2.000000"),
        (999_999_999, 3_000_000_000, "1.999999", "4.000000"),
        (1_000_000_000, 1_000_001_000, "2.000000", "2.000001"),
    ],
)
def test_a_time_of_day_is_right_at_the_edges_of_its_second(begun: int, ended: int, start: str, end: str) -> None:
    warm: Any = (5_000, 6_000, "0123456789ab", 1, "m", "f@own-0123456789ab", 0, None, False, None)
    call: Any = (begun, ended, *warm[2:])

    line = lines_of([warm, call, warm], 10**9)[1]

    assert f'"start":{start},"end":{end},' in line


def test_names_of_functions_are_remembered_within_bounds(check: Callable[[object], None]) -> None:
    lines._heads.clear()

    for number in range(10_001):
        call = (1, 2, "0123456789ab", 1, f"m{number}", "f@own-0123456789ab", 0, None, False, None)
        [line] = lines_of([call], 10**18)

    check(json.loads(line))
    assert len(lines._heads) == 1
