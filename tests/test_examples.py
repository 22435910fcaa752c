"""Each example prints what its reader is told to expect."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_import.validation import jail

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed(run_python: RunPython, *arguments: str) -> str:
    ran = run_python("-W", "error", *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    return str(ran.stdout)


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """Keep what an example printed: each runs once for all tests about it."""
    return {}


@pytest.fixture
def quickstart(outputs: dict[str, str], run_python: RunPython) -> str:
    if "quickstart" not in outputs:
        outputs["quickstart"] = printed(run_python, str(EXAMPLES / "quickstart.py"))
    return outputs["quickstart"]


@pytest.fixture
def async_client(outputs: dict[str, str], run_python: RunPython) -> str:
    if "async_client" not in outputs:
        outputs["async_client"] = printed(run_python, str(EXAMPLES / "async_client.py"))
    return outputs["async_client"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("retry         fetch_price('tea') returned 2.5 after the answers [503, 503, 200]", id="retry"),
        pytest.param(
            "timeout       PoetTimeout: quickstart_shop.prices.forecast(): timed out after 0.3 s", id="timeout"
        ),
        pytest.param(
            "argument      PerceiveError: quickstart_shop.prices.total(): quantity: expected int, got str '2'",
            id="argument",
        ),
        pytest.param(
            "result        EnforceError: quickstart_shop.prices.parse_price(): "
            "its result: expected float, got str '2.50'",
            id="result",
        ),
        pytest.param("traceback     prices.py, in stock: return pieces[sku]", id="traceback"),
    ],
)
def test_quickstart_prints_each_effect(quickstart: str, line: str) -> None:
    assert line in quickstart.splitlines()


def test_quickstart_traceback_has_no_frame_between_caller_and_user_line(quickstart: str) -> None:
    places = re.findall(r"traceback +(\S+), in (\w+)", quickstart)

    assert places == [("quickstart.py", "show_traceback"), ("prices.py", "stock")]


def test_quickstart_starts_the_second_time_from_the_cache(quickstart: str) -> None:
    first = re.search(r"first start +rewritten, imported in ([\d.]+) ms", quickstart)
    second = re.search(r"second start +cached, imported in ([\d.]+) ms", quickstart)

    assert first
    assert second
    assert float(second[1]) < float(first[1])


def test_weather_station_reports_on_every_sensor(run_python: RunPython) -> None:
    lines = printed(run_python, "-m", "examples.weather_station").splitlines()

    assert lines[0] == "193 readings, the day until 2025-03-05 08:00 against the day before"
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["garden", "steady"],
        ["harbour", "DRIFT"],
        ["ridge", "steady"],
        ["roof", "no"],
    ]
    assert lines[-2].endswith("current_data is expected to be a non-empty value, but is empty list")
    assert lines[-1] == "checked by ml_monitoring/v1"


def test_async_client_retries_each_call_by_itself(async_client: str) -> None:
    assert re.findall(r"retry +(\w+): .* at request (\d)", async_client) == [
        ("Bergen", "2"),
        ("Oslo", "2"),
        ("Narvik", "2"),
    ]


def test_async_client_ends_all_late_calls_at_once(async_client: str) -> None:
    late = "timeout   PoetTimeout: async_weather.client.forecast(): timed out after 0.3 s"

    assert async_client.splitlines().count(late) == 3
    assert re.search(r"three calls at once, over after 0\.\d s", async_client)


def test_async_client_refuses_an_address_without_scheme(async_client: str) -> None:
    assert (
        "argument  PerceiveError: async_weather.client.temperature(): endpoint_url: "
        "expected an http:// or https:// URL with a host, got str 'localhost'"
    ) in async_client.splitlines()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.relative_to(EXAMPLES).as_posix())
        for path in sorted(EXAMPLES.rglob("*.py"))
        if "@poet" in path.read_text(encoding="utf-8").replace("``@poet``", "")
    ],
)
def test_shown_example_is_python_with_its_phases(run_python: RunPython, path: Path) -> None:
    woven = printed(run_python, "-m", "poet_import", "show", str(path))

    compile(woven, str(path), "exec")
    assert "# perceive\n" in woven
    assert "# operate\n" in woven
    assert "# enforce\n" in woven


DRIFT = ("vibration_mm_s", "bearing_temp_c", "flow_m3_h")


def test_drift_monitor_runs_offline_as_it_is_written(run_python: RunPython) -> None:
    lines = printed(run_python, "-m", "examples.drift_monitor").splitlines()

    assert [line.split()[:2] for line in lines[:-1]] == [[sensor, "steady"] for sensor in DRIFT]
    assert lines[-1] == "decided by the function as it is written"


@pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")
def test_drift_monitor_replays_its_session_and_finds_the_drift(run_python: RunPython) -> None:
    lines = printed(run_python, "-m", "examples.drift_monitor.replay").splitlines()
    recorded = (EXAMPLES / "drift_monitor" / "session.jsonl").read_text(encoding="utf-8").splitlines()
    asked = json.loads(recorded[0])["request"][0]["content"]

    assert lines[0] == f"asked for detect_drift: {len(asked):,} characters"  # else: replay --record
    assert [line.split()[1] for line in lines[-4:-1]] == ["DRIFT", "steady", "steady"]
    assert lines[-1] == "decided by openai/replayed, accepted by the gates"


PENGUINS = EXAMPLES / "learning_classifier"


def test_learning_classifier_runs_offline_as_it_is_written(run_python: RunPython) -> None:
    told = printed(run_python, "-m", "examples.learning_classifier")

    assert told == "151 of 342 right, by the function as it is written\n"


@pytest.mark.skipif(not jail.is_available(), reason="no jail on this system")
def test_learning_classifier_compares_two_versions(run_python: RunPython, tmp_path: Path) -> None:
    told = printed(run_python, "-m", "examples.learning_classifier.replay", "accuracy.svg")
    asked = json.loads((PENGUINS / "session.jsonl").read_text(encoding="utf-8"))["request"][0]["content"]
    picture = (tmp_path / "accuracy.svg").read_text(encoding="utf-8")

    assert told.splitlines()[1:3] == [
        "330 of 342 right, by openai/replayed",
        f"asked for species: {len(asked):,} characters",  # else: replay --record
    ]
    assert "calls      684, none failed\n" in told
    assert re.search(r"^own-\w{12} .* 0\.442 \(0\.390 to 0\.495\)$", told, re.MULTILINE)
    assert re.search(r"^model-\w{12} .* 0\.965 \(0\.940 to 0\.980\)$", told, re.MULTILINE)
    assert told.endswith("  objective  +0.523, at 95 % +0.465 to +0.577 (Newcombe): higher\n")
    assert re.findall(r"(\w+)-\w{12}: (0\.\d+) of 342 verdicts", picture) == [("own", "0.442"), ("model", "0.965")]
