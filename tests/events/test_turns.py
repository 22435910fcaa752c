"""Which version a call ran is known of every call, in whatever order calls are learnt."""

from operator import itemgetter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from poet_import.events.scanning import Ended
from poet_import.events.turns import Turns


def call(process: str, number: int, version: str) -> Ended:
    return Ended(version, process, number, 0.0, "success", "", 1.0, 0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), unique_by=itemgetter(0)))
@example([(7, "b"), (20, "b"), (8, "a"), (9, "a")])
def test_version_of_every_call_is_known(calls: list[tuple[int, str]]) -> None:
    turns = Turns()

    for number, version in calls:
        turns.learn(call("01", number, version))

    assert [(number, turns.version_of(f"f:01-{number:x}")) for number, _ in calls] == calls


def test_process_that_loads_another_version_is_remembered_by_its_changes() -> None:
    turns = Turns()
    for number in range(1, 1000):
        turns.learn(call("01", number, "a" if number < 500 else "b"))
        turns.learn(call("02", number, "c"))

    found = [turns.version_of(f"f:{place}") for place in ("01-1", "01-1f3", "01-1f4", "02-9", "03-1")]

    assert found == ["a", "a", "b", "c", None]


def test_id_of_another_make_is_of_no_process() -> None:
    assert Turns().version_of("f:01-zz") is None
