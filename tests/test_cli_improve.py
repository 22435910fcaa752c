"""``poet improve``: the whole story of a function with an objective, with a scripted model."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest

import poet_import
from poet_import.cache.traces import add_traces
from poet_import.cli import main
from poet_import.events.event import Execution, Update
from poet_import.events.reading import stored_events
from poet_import.runtime import training
from poet_import.settings import Settings, in_force, put_in_force

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import ScriptedModel, answer, prompt_of  # found there only

SHOP = """from poet_import import poet


@poet(optimize_for="fewer wrong labels")
def label(score: int) -> str:
    result = "low"
    if score > 10:
        result = "high"
    if score < 0:
        raise ValueError("no score")
    return result


@poet
def plain(score: int) -> int:
    return score
"""
HEAD = "def label(score: int) -> str:\n"
REFUSAL = '    if score < 0:\n        raise ValueError("no score")\n'
BETTER = f'{HEAD}{REFUSAL}    return "high" if score > 10 else "low"\n'
OTHER = f'{HEAD}{REFUSAL}    return "low" if score <= 10 else "high"\n'
PROGRAM = """
import sys, time, poet_import, shop
for number in range({calls}):
    try:
        shop.label(number - 1)
    except ValueError:
        pass
    poet_import.feedback(poet_import.last_execution_id(), {verdict}, number=number)
shadowing = sys.modules.get("poet_import.runtime.shadowing")  # loaded where something runs beside
until = time.monotonic() + 20
while shadowing and not any(one and one.compared >= 20 for one in shadowing._shadows.values()):
    assert time.monotonic() < until
    time.sleep(0.01)
"""


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


Invoke = Callable[..., Result]
Use = Callable[..., None]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(BETTER)) as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a directory that holds shop.py, with a model and a cache and events of its own."""
    for variable in [name for name in os.environ if name.startswith(("POET_", "OPENAI", "ANTHROPIC"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("POET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("POET_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("POET_LLM_BASE_URL", model.url)
    monkeypatch.setenv("POET_MODEL", "openai/tiny")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("shop.py").write_text(SHOP)
    settings = in_force()
    put_in_force(Settings.read())  # as a process that is started now would have them
    yield folder
    training.flush()
    put_in_force(settings)


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    def call(*arguments: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        return Result(int(caught.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def use(place: Path) -> Use:
    """Call the function in a process that asks nobody, and judge each call."""

    def call(calls: int, verdict: str, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("POET_MODEL", "POET_LLM_BASE_URL")}
        paths = os.pathsep.join([str(place), str(Path(poet_import.__file__).parents[1])])
        environment = {**kept, "PYTHONPATH": paths, **variables}
        program = PROGRAM.format(calls=calls, verdict=verdict)
        command = [sys.executable, "-c", program]
        ran = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, "")

    return call


def listed(invoke: Invoke) -> str:
    """Return what runs in the function, and in which version."""
    rows = json.loads(invoke("list", "shop.py::label", "--json").stdout)["functions"]
    return f"{rows[0]['origin']} {rows[0]['version']}".strip()


def explained(invoke: Invoke) -> str:
    return invoke("explain", "shop.py::label").stdout


def test_function_is_run_judged_improved_shadowed_promoted_found_worse_and_rolled_back(
    invoke: Invoke, use: Use, model: ScriptedModel, tmp_path: Path
) -> None:
    use(30, "number % 2", POET_RECORD="arguments")
    assert listed(invoke) == "woven"
    see_it_improved(invoke, model)
    use(30, "number % 2")
    see_it_promoted(invoke)
    use(30, "0")
    see_it_found_worse(invoke)
    see_it_rolled_back(invoke)
    see_it_not_frozen_again(invoke, model)
    model.script(answer(OTHER))
    use(1, "0")  # what is known by then is another question
    assert invoke("improve", "shop.py::label").stdout.startswith("shadow   shop.py::label v2")
    assert published(tmp_path) == [
        ("v1", "frozen as a shadow"),
        ("v1", "promoted"),
        ("own", "current again"),
        ("v2", "frozen as a shadow"),
    ]


def published(folder: Path) -> list[tuple[str, str]]:
    """Return version and change of the updates that were published, each held against the schema that ships."""
    assert training.flush()
    schema = json.loads((Path(__file__).parents[1] / "docs" / "events.schema.json").read_text())
    events = list(stored_events(str(folder / "data" / "events"), "updates", function="shop.label"))
    for event in events:
        assert isinstance(event, Update)
        jsonschema.validate(event.to_dict(), schema)
    return [(event.name, event.change) for event in events if isinstance(event, Update)]


def test_version_that_answers_is_told_as_executions_tell_it(invoke: Invoke, use: Use, tmp_path: Path) -> None:
    invoke("build", "shop.py::label")
    use(1, "1")
    assert training.flush()

    events = str(tmp_path / "data" / "events")
    (update,) = stored_events(events, "updates")
    (call,) = stored_events(events, "execution")

    assert isinstance(update, Update)
    assert isinstance(call, Execution)
    assert (update.name, update.change, update.reason) == ("v1", "frozen", "written by openai/tiny")
    assert (update.function, update.version) == (call.function, call.version)


def test_function_without_an_objective_publishes_no_update(
    invoke: Invoke, model: ScriptedModel, tmp_path: Path
) -> None:
    model.script(answer("def plain(score: int) -> int:\n    return +score\n"))
    assert invoke("build", "shop.py::plain").exit_code == 0

    assert published(tmp_path) == []


def see_it_improved(invoke: Invoke, model: ScriptedModel) -> None:
    result = invoke("improve", "shop.py::label")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("shadow   shop.py::label v1: it runs beside the function from now on; poet promote")
    assert listed(invoke) == "woven, shadow"
    prompt = prompt_of(model.requests[0][2])
    assert re.search(r"\nown: 30 calls, p50 .* ms, p95 .* ms, 3.3% failed \(ValueError 1\), feedback 0.5", prompt)
    assert "own failed with ValueError: no score with score=-1\n" in prompt
    assert "own with score=1 gave 'low': judged 0, number=2\n" in prompt
    assert "v1 frozen as a shadow after own, from " in explained(invoke)
    assert "v1 runs as a shadow: 0 calls compared" in explained(invoke)


def see_it_promoted(invoke: Invoke) -> None:
    waits = invoke("improve", "shop.py::label", "--promote-when", "p95<0")
    assert waits.stdout.startswith("waiting  shop.py::label v1: p95<0 does not hold: p95 is ")

    rule = "p95<1000 and failed<=0.1 and feedback<0.9 and compared>=20"
    promoted = invoke("improve", "shop.py::label", "--promote-when", rule)
    assert promoted.stdout.startswith(f"promoted shop.py::label v1: by the rule {rule}: p95 is ")
    assert listed(invoke) == "frozen v1"
    assert f"v1 promoted by the rule {rule}: p95 is " in explained(invoke)


def see_it_found_worse(invoke: Invoke) -> None:
    told = explained(invoke)

    assert re.search(r"\n    v1: 30 calls, .* feedback 0 on average of 30\n", told)
    assert "v1 is worse than own, which it replaced, by its feedback: poet rollback shop.py::label\n" in told


def see_it_rolled_back(invoke: Invoke) -> None:
    result = invoke("rollback", "shop.py::label")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "shop.py::label: the function itself is current, v1 was\n"
    assert listed(invoke) == "woven"
    told = explained(invoke)
    assert told.startswith("shop.py::label: the function itself answers, of v1 none\n")
    assert "v1 rolled back to own\n" in told
    assert "    own: 60 calls, " in told
    assert "    v1: 30 calls, " in told


def see_it_not_frozen_again(invoke: Invoke, model: ScriptedModel) -> None:
    result = invoke("improve", "shop.py::label")

    assert result.stderr.startswith("failed   shop.py::label: the answer is v1 again, which was rolled back")
    assert "v1 was rolled back to own\n" in prompt_of(model.requests[1][2])


STUB = """from poet_import import poet


@poet(optimize_for="fewer wrong labels")
def label(score: int) -> str:
    ...
"""
NOW = f'{HEAD}    return "high" if score > 5 else "low"\n'


def stubbed(invoke: Invoke, model: ScriptedModel) -> None:
    """Freeze a body for a stub, and record a call."""
    Path("shop.py").write_text(STUB)
    model.script(answer(NOW))
    assert invoke("build", "shop.py::label").exit_code == 0
    add_traces(".poet", "shop.label", ["{'score': 271828}"])


def test_answer_that_fails_on_a_recorded_call_is_refused(invoke: Invoke, model: ScriptedModel) -> None:
    stubbed(invoke, model)
    odd = f'{HEAD}    if score**2 % 1000003 == 239914:\n        raise ValueError("odd")\n    return "low"\n'
    model.script(answer(odd))

    result = invoke("improve", "shop.py::label")
    assert result.exit_code == 1
    assert "semantics, rule recorded, line 1: it is worse on a recorded call: it raises ValueError" in result.stderr
    assert "for {'score': 271828}" in result.stderr
    assert listed(invoke) == "frozen v1"


def test_answer_may_give_other_results_than_the_implementation_of_a_stub(invoke: Invoke, model: ScriptedModel) -> None:
    stubbed(invoke, model)
    model.script(answer(f'{HEAD}    return "high" if score > 10 else "low"\n'))

    result = invoke("improve", "shop.py::label", "--promote-when", "p95<5")
    assert result.stdout.startswith(
        "shadow   shop.py::label v2: it cannot run beside the function, so only poet promote"
    )
    assert listed(invoke) == "frozen, shadow v1"
    waits = invoke("improve", "shop.py::label")
    assert waits.stdout == "waiting  shop.py::label v2: p95<5 does not hold: 0 calls were compared, and 20 are needed\n"
    assert invoke("promote", "shop.py::label").stdout == "shop.py::label: v2 is current, v1 was\n"
    assert "on no recorded call it is worse" in invoke("explain", "shop.py::label").stdout
    assert invoke("rollback", "shop.py::label").stdout == "shop.py::label: v1 is current, v2 was\n"
    history = json.loads(invoke("explain", "shop.py::label", "--json").stdout)["history"]
    assert [(step["version"], step["what"]) for step in history] == [
        ("v2", "frozen as a shadow"),
        ("v2", "promoted"),
        ("v2", "rolled back"),
        ("v1", "current again"),
    ]


def test_objects_for_programs(invoke: Invoke) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])

    told = json.loads(invoke("improve", "shop.py::label", "--dry-run", "--json").stdout)
    assert told == {"function": "shop.py::label", "evidence": ["must end the same: {'score': 3}"]}
    found = json.loads(invoke("improve", "shop.py::label", "--json").stdout)
    assert (found["stage"], found["version"], found["tokens"]) == ("shadow", "v1", 30)
    assert json.loads(invoke("explain", "shop.py::label", "--json").stdout)["seen"] == []


def test_dry_run_prints_what_the_model_would_be_told_and_asks_nobody(invoke: Invoke, model: ScriptedModel) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])

    assert invoke("improve", "shop.py::label", "--dry-run").stdout == "must end the same: {'score': 3}\n"
    assert model.requests == []


def test_shadow_waits_for_a_person_or_is_taken_the_place_of(invoke: Invoke, model: ScriptedModel) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    first = invoke("improve", "shop.py::label", "--promote-when", "p95<5")
    assert "poet improve shop.py::label promotes it when p95<5" in first.stdout

    model.script(answer(OTHER))
    add_traces(".poet", "shop.label", ["{'score': 30}"])
    assert "shadow   shop.py::label v2: it runs" in invoke("improve", "shop.py::label", "--again").stdout
    assert "v2: it runs as a shadow; poet promote" in invoke("improve", "shop.py::label").stdout
    assert invoke("promote", "shop.py::label").stdout == "shop.py::label: v2 is current, the function itself was\n"
    assert "v2 promoted by a person\n" in invoke("explain", "shop.py::label").stdout


def test_rule_that_was_edited_into_no_rule_is_none(invoke: Invoke, place: Path) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    invoke("improve", "shop.py::label", "--promote-when", "p95<5")
    record = place / ".poet" / "shop.label" / "v1" / "metadata.json"
    record.write_text(record.read_text().replace("p95<5", "soon"))

    assert "it runs as a shadow; poet promote" in invoke("improve", "shop.py::label").stdout


def test_answer_that_is_what_answers_now_is_none(invoke: Invoke, model: ScriptedModel) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    own = SHOP.split("\n\n\n")[1].partition("\n")[2] + "\n"
    model.script(answer(own))

    result = invoke("improve", "shop.py::label")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "failed   shop.py::label: the answer is own itself, which answers now\n"


def test_answers_that_are_refused_leave_everything_as_it_was(invoke: Invoke, model: ScriptedModel) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    model.script(answer(f'{HEAD}    return "low"\n'))

    for _ in range(2):  # the second time it is known
        result = invoke("improve", "shop.py::label")
        assert result.exit_code == 1
        assert "failed   shop.py::label: each of its 3 answers was refused, the last by semantics" in result.stderr
    assert (listed(invoke), len(model.requests)) == ("woven", 3)


def test_record_that_cannot_be_written_is_told(invoke: Invoke) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    Path(".poet", "shop.label").write_text("a file of the user's")

    result = invoke("improve", "shop.py::label")
    assert result.exit_code == 1
    assert re.search(r"failed   shop.py::label: .*\.poet cannot be written to \(.+\)", result.stderr)


def test_function_without_an_objective_is_refused_with_what_to_do(invoke: Invoke) -> None:
    result = invoke("improve", "shop.py::plain")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: shop.py::plain has no optimize_for; say what is to get better, as @poet(")


def test_function_of_which_nothing_is_known_is_refused_with_what_to_do(invoke: Invoke) -> None:
    assert "nothing is known of its calls; run it, give feedback, or" in invoke("improve", "shop.py::label").stderr


def test_rule_that_is_none_is_refused_before_anything_is_read(invoke: Invoke) -> None:
    result = invoke("improve", "shop.py::nobody", "--promote-when", "soon")

    assert result.exit_code == 2
    assert "'soon' is no condition; give a metric" in result.stderr


def test_events_that_cannot_be_read_are_named(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "data" / "events" / "feedback.jsonl").mkdir(parents=True)

    assert re.search(
        r"the events in .*events cannot be read \(Is a directory\)", invoke("improve", "shop.py::label").stderr
    )


def test_events_of_a_package_and_of_other_modules_are_told_apart(
    invoke: Invoke, use: Use, place: Path, tmp_path: Path
) -> None:
    use(3, "1")
    file = tmp_path / "data" / "events" / "execution.jsonl"
    lines = file.read_text()
    file.write_text(
        lines + lines.replace("shop.label", "other.label") + lines.replace("shop.label", "shop.Label.other")
    )
    assert "own: 3 calls, " in invoke("improve", "shop.py::label", "--dry-run").stdout

    (place / "shop").mkdir()
    Path("shop.py").rename("shop/__init__.py")
    assert "own: 3 calls, " in invoke("improve", "shop/__init__.py::label", "--dry-run").stdout


def test_help_has_an_example_and_names_the_metrics(invoke: Invoke) -> None:
    told = " ".join(invoke("improve", "--help").stdout.split())

    assert 'poet improve shop.py::price --promote-when "p95<5 and compared>=200"' in told
    assert "p50, p95, p99, mean (ms of the shadow's runs), failed" in told


def test_version_whose_record_is_broken_can_still_be_promoted_and_rolled_back(invoke: Invoke, place: Path) -> None:
    add_traces(".poet", "shop.label", ["{'score': 3}"])
    invoke("improve", "shop.py::label")
    (place / ".poet" / "shop.label" / "v1" / "metadata.json").write_text("[]")

    assert invoke("promote", "shop.py::label").exit_code == 0
    result = invoke("rollback", "shop.py::label", "--to", "own")
    assert result.stdout == "shop.py::label: the function itself is current, v1 was\n"
    assert invoke("rollback", "shop.py::label").stdout == "shop.py::label: v1 is current, none was\n"
