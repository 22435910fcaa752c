"""A line of JSON that is put together by hand says what the event says."""

import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from poet_import.events import lines
from poet_import.events.event import execution_of
from poet_import.events.lines import line_of

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


@given(CALLS, TIMES)
def test_line_of_a_call_is_the_json_of_its_event(call: tuple[object, ...], since: int) -> None:
    if call[8] is False:
        call = (*call[:9], None)  # no result is kept where no values are recorded
    event = execution_of(call, since)  # type: ignore[arg-type]  # drawn as one

    line = line_of(call, since)  # type: ignore[arg-type]  # as above

    assert json.loads(line) == json.loads(json.dumps(event.to_dict()))
    assert line.endswith("}\n")
    assert line.count("\n") == 1


def test_names_of_functions_are_remembered_within_bounds(check: Callable[[object], None]) -> None:
    lines._heads.clear()

    for number in range(10_001):
        line = line_of((1, 2, "0123456789ab", 1, f"m{number}", "f@own-0123456789ab", 0, None, False, None), 10**18)

    check(json.loads(line))
    assert len(lines._heads) == 1
