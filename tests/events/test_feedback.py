"""Feedback: said of one execution, from anywhere, counted once."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import poet_import
from poet_import.cli import poet
from poet_import.events.reading import stored_events
from poet_import.runtime import training

Load = Callable[..., ModuleType]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Told = Callable[..., list[dict[str, object]]]

ID = "shop.price:0123456789ab-1f"
PRICE = "from poet_import import poet\n@poet(optimize_for='margin')\ndef price(x):\n    return x\n"


def test_feedback_is_told_of_the_last_execution(load: Load, told: Told) -> None:
    load(PRICE).price(1)

    found = poet_import.feedback(poet_import.last_execution_id(), 0.5, reviewer="ann", late=False)  # type: ignore[arg-type]  # there is one

    (execution,), (event,) = told(), told("feedback")
    assert event["execution_id"] == execution["execution_id"]
    assert (event["function"], event["topic"]) == ("shop.price", "poet/functions/shop.price/feedback")
    assert (event["value"], event["facts"]) == (0.5, {"late": False, "reviewer": "ann"})
    assert event["feedback_id"] == found


@pytest.mark.usefixtures("load")
def test_same_feedback_from_another_process_counts_once(run_python: Run, told: Told, tmp_path: Path) -> None:
    given = f"poet_import.feedback({ID!r}, True, b=1, a=2)"

    for program in (given, given.replace("b=1, a=2", "a=2, b=1"), given.replace("True", "1")):
        assert run_python(f"import poet_import; {program}").stderr == ""
    poet_import.feedback(ID, True, a=2, b=1)

    assert len(told("feedback")) == 4
    assert len(list(stored_events(str(tmp_path / "data" / "events"), "feedback"))) == 2  # True is not 1


@pytest.mark.parametrize(
    ("execution_id", "value", "facts", "error", "message"),
    [
        pytest.param(None, True, {}, TypeError, "no function with optimize_for has ended", id="no-call-yet"),
        pytest.param(3, True, {}, TypeError, "takes the id of an execution, a text, not 3", id="number"),
        pytest.param("price", True, {}, ValueError, "'price' is no id of an execution", id="malformed"),
        pytest.param(ID, None, {}, TypeError, "as value, not None", id="no-verdict"),
        pytest.param(ID, [1], {}, TypeError, "value takes a number, a bool or a text, not list", id="list"),
        pytest.param(ID, float("nan"), {}, ValueError, "value takes a finite number, not nan", id="nan"),
        pytest.param(ID, "x" * 1001, {}, ValueError, "value has 1001 characters", id="long"),
        pytest.param(ID, True, {"by": {}}, TypeError, "by takes a number, a bool or a text, not dict", id="fact"),
        pytest.param(ID, True, {f"f{n}": n for n in range(21)}, ValueError, "at most 20 facts, not 21", id="many"),
    ],
)
def test_bad_feedback_is_refused_in_words(
    execution_id: object, value: object, facts: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        poet_import.feedback(execution_id, value, **facts)  # type: ignore[arg-type]  # the point


@pytest.mark.usefixtures("load")
def test_feedback_waits_for_room_where_calls_are_dropped(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "most_waiting", 1)

    for number in range(20):
        poet_import.feedback(ID, number)

    assert [event["value"] for event in told("feedback")] == list(range(20))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_shell_gives_feedback_once(run_python: Run, tmp_path: Path) -> None:
    command = ("-m", "poet_import", "feedback", ID, "0.75", "--fact", "by=ann", "--fact", "n=3")

    first, second = (run_python(*command) for _ in range(2))

    assert (first.stdout, first.stderr, first.returncode) == ("recorded for shop.price\n", "", 0)
    assert (second.stdout, second.returncode) == ("recorded before; nothing changes\n", 0)
    (event,) = stored_events(str(tmp_path / "data" / "events"), "feedback")
    assert (event.value, dict(event.facts)) == (0.75, {"by": "ann", "n": 3})  # type: ignore[union-attr]  # one of feedback


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        pytest.param(["price", "1"], {}, "'price' is no id of an execution", id="id"),
        pytest.param([ID, "1", "--fact", "by"], {}, "expected NAME=VALUE, not 'by'", id="fact"),
        pytest.param([ID, "NaN"], {}, "takes a finite number, not nan", id="nan"),
        pytest.param([ID, "1"], {"POET_EVENTS": "none"}, "events go nowhere", id="no-sink"),
        pytest.param([ID, "1"], {"POET_DATA_DIR": "/dev/null/x"}, "could not be recorded everywhere", id="unwritable"),
    ],
)
def test_shell_says_what_is_wrong(
    run_python: Run, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    done = run_python("-m", "poet_import", "feedback", *arguments, **variables)

    assert done.returncode in (1, 2)
    assert message in done.stderr


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize(("text", "value"), [("true", True), ("wrong", "wrong"), ("[1]", "[1]"), ("3", 3)])
def test_values_of_the_shell_are_read_as_json_where_they_are_scalars(told: Told, text: str, value: object) -> None:
    result = CliRunner().invoke(poet, ["feedback", ID, text], prog_name="poet")

    assert result.exit_code == 0, result.output
    assert [event["value"] for event in told("feedback")] == [value]
