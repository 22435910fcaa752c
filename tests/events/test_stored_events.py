"""Stored events are read again, and what is none is passed over."""

import json
from pathlib import Path

from poet_import.events.batch import Batch
from poet_import.events.event import Execution, Failed, Feedback
from poet_import.events.feedback import feedback_of
from poet_import.events.jsonl import JsonLines
from poet_import.events.reading import stored_events

FAILURE = ("perceive_error", "E", "x", "int", None)
CALL = (1, 2_000_001, "0123456789ab", 5, "shop", "f@own-0123456789ab", 2, FAILURE, {"x": "'a'"}, None)


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    verdict = feedback_of("shop.f:0123456789ab-5", 0.5, {"by": "ann"})
    batch = Batch([CALL, verdict])

    JsonLines(str(tmp_path)).write(batch)

    (execution,) = stored_events(str(tmp_path), "execution")
    assert isinstance(execution, Execution)
    assert execution.error == Failed("E", "x", "int")
    assert [execution, *stored_events(str(tmp_path), "feedback")] == batch.events


def test_only_one_functions_events_are_asked_for(tmp_path: Path) -> None:
    other = (*CALL[:5], "g@own-0123456789ab", *CALL[6:])
    JsonLines(str(tmp_path)).write(Batch([CALL, other]))

    assert [event.function for event in stored_events(str(tmp_path), "execution", function="shop.g")] == ["shop.g"]


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    line = Batch([CALL]).lines[0]
    later = json.dumps(json.loads(line) | {"schema": 9, "unknown": 1})
    (tmp_path / "execution.jsonl").write_text(f"\n[]\n{{}}\n{later}\n\xff\n{line}{line[:50]}")

    assert len(list(stored_events(str(tmp_path), "execution"))) == 1


def test_feedback_that_was_given_twice_counts_once(tmp_path: Path) -> None:
    given = [feedback_of("shop.f:0123456789ab-5", value, {}) for value in (True, True, False)]
    JsonLines(str(tmp_path)).write(Batch(given))

    found = list(stored_events(str(tmp_path), "feedback"))

    assert [event.value for event in found if isinstance(event, Feedback)] == [True, False]


def test_file_that_is_put_aside_while_files_are_opened_is_read_once(tmp_path: Path) -> None:
    JsonLines(str(tmp_path)).write(Batch([CALL]))
    (tmp_path / "execution.1.jsonl").hardlink_to(tmp_path / "execution.jsonl")

    assert len(list(stored_events(str(tmp_path), "execution"))) == 1


def test_nothing_was_stored_yet(tmp_path: Path) -> None:
    assert list(stored_events(str(tmp_path / "none"), "execution")) == []
