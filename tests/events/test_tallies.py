"""What stored events say of a function: read in one pass, whatever state the files are in."""

import json
import tracemalloc
from pathlib import Path

import pytest

from poet_import.events.batch import Batch
from poet_import.events.event import Feedback
from poet_import.events.jsonl import JsonLines
from poet_import.events.scanning import Counts, counts_in
from poet_import.events.tallies import OTHERS, stats_of

FAILURE = ("operate_error", "ValueError", "", "", None)
OWN, MODEL = "own-0123456789ab", "model-0123456789ab"
Call = tuple[object, ...]


def call(number: int, *, version: str = OWN, function: str = "f", **more: object) -> Call:
    """Return a call as it is queued, one a second, that takes a millisecond."""
    begun = number * 10**9
    failure, values = more.get("failure"), more.get("values", False)
    return (begun, begun + 10**6, "0123456789ab", number, "shop", f"{function}@{version}", 0, failure, values, None)


def said(number: int, value: float | str, *, time: float = 1e9) -> Feedback:
    return Feedback("shop.f", f"shop.f:0123456789ab-{number:x}", f"{number}{value}", value, time + number, {})


def store(folder: Path, *items: Call | Feedback) -> None:
    JsonLines(str(folder)).write(Batch(items))  # type: ignore[arg-type]  # calls of these tests are shorter to write


def test_calls_failures_and_retries_are_counted(tmp_path: Path) -> None:
    retried = (*call(3)[:6], 2, *call(3)[7:])
    left = call(4, failure=("closed", "GeneratorExit", "", "", None))
    store(tmp_path, call(1), call(2, failure=FAILURE), retried, left, call(5, function="g"))

    whole = stats_of(str(tmp_path), "shop.f").whole

    assert (whole.calls, whole.failed, whole.retries, whole.retried) == (4, 1, 2, 1)
    assert dict(whole.failures) == {("operate_error", "ValueError"): 1}
    assert dict(whole.left) == {"closed": 1}
    assert whole.latencies.percentile(50) == pytest.approx(1.0, rel=0.01)
    assert whole.end - whole.begin == pytest.approx(3.0)


def test_feedback_belongs_to_the_version_that_was_called(tmp_path: Path) -> None:
    store(tmp_path, call(1), call(2), call(3, version=MODEL), said(1, False), said(2, True), said(3, True), said(3, 2))

    stats = stats_of(str(tmp_path), "shop.f")

    found = [(one.version, one.verdicts.count, one.verdicts.mean) for one in stats.versions]
    assert found == [(OWN, 2, 0.5), (MODEL, 2, 1.5)]
    assert (stats.whole.verdicts.count, stats.whole.verdicts.is_rate, stats.stray) == (4, False, 0)
    assert sum(point.count for point in stats.timeline.points(MODEL)) == 2


def test_feedback_on_a_call_that_is_not_stored_counts_for_no_version(tmp_path: Path) -> None:
    stray = Feedback("shop.f", "shop.f:ba9876543210-1", "1", True, 1e9, {})
    store(tmp_path, call(1), stray)

    stats = stats_of(str(tmp_path), "shop.f")

    assert (stats.stray, stats.whole.verdicts.count, stats.versions[0].verdicts.count) == (1, 1, 0)


def test_verdicts_that_are_texts_are_counted_one_by_one_up_to_a_bound(tmp_path: Path) -> None:
    store(tmp_path, call(1), *(said(number, f"text {number}") for number in range(1, 61)), said(99, "text 1"))

    texts = stats_of(str(tmp_path), "shop.f").whole.texts

    assert (texts["text 1"], texts[OTHERS], len(texts)) == (2, 10, 51)


def test_what_came_earlier_is_left_out(tmp_path: Path) -> None:
    store(tmp_path, *map(call, range(1, 11)), said(9, True, time=0), said(10, True, time=2e12))
    begin = stats_of(str(tmp_path), "shop.f").whole.begin

    since = stats_of(str(tmp_path), "shop.f", since=begin + 4.5)

    assert (since.whole.calls, since.whole.verdicts.count) == (5, 1)


def test_torn_line_and_files_that_were_put_aside_are_read(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path), most_bytes=1000, most_files=50)
    for number in range(1, 51):
        sink.write(Batch([call(number, failure=FAILURE if number % 5 == 0 else None)]))  # type: ignore[list-item]
    with (tmp_path / "execution.jsonl").open("ab") as file:
        file.write(Batch([call(51)]).lines[0].encode()[:150])  # type: ignore[list-item]  # as above

    assert len(list(tmp_path.glob("*.jsonl"))) > 5
    assert stats_of(str(tmp_path), "shop.f").whole.calls == 50
    assert counts_in(str(tmp_path)) == {"shop.f": Counts(50, 10)}


def test_lines_in_another_form_say_the_same(tmp_path: Path) -> None:
    plain = [call(1), call(2, failure=FAILURE), call(3, values={"x": "'\"version\":'"}), call(4, version="own")]
    lines = [json.loads(line) for line in Batch(plain).lines]  # type: ignore[arg-type]  # as above
    later, other = lines[0] | {"schema": 9}, lines[0] | {"execution_id": "of another make"}
    spaced = "".join(f"{json.dumps(line)}\n" for line in [*lines, later, other])
    compact = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in [later])
    (tmp_path / "execution.jsonl").write_text(f'{spaced}{compact}[1,"version":"error":null}}\n', encoding="utf-8")

    stats = stats_of(str(tmp_path), "shop.f")

    assert [(one.version, one.calls, one.failed) for one in stats.versions] == [(OWN, 4, 1), ("own", 1, 0)]
    assert counts_in(str(tmp_path)) == {"shop.f": Counts(5, 1)}


def test_function_whose_name_json_escapes_is_found(tmp_path: Path) -> None:
    store(tmp_path, call(1, function="größe"), call(2, function="größe.<locals>.f"))

    assert stats_of(str(tmp_path), "shop.größe").whole.calls == 1
    assert counts_in(str(tmp_path)) == {"shop.größe": Counts(1, 0), "shop.größe.<locals>.f": Counts(1, 0)}


def test_memory_does_not_grow_with_calls(tmp_path: Path) -> None:
    peaks = []
    for name, count in (("few", 1_000), ("many", 10_000)):
        store(tmp_path / name, *map(call, range(count)))
        stats_of(str(tmp_path / name), "shop.f")  # once, for what is kept between
        tracemalloc.start()
        stats_of(str(tmp_path / name), "shop.f")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0]
