"""``poet improve``: the whole story of a function with an objective, with a scripted model."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import poet_import
from poet_import.cache.traces import add_traces
from poet_import.cli import main

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
def place(tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> Path:
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
    return folder


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
        ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, "")

    return call


def listed(invoke: Invoke) -> str:
    """Return what runs in the function, and in which version."""
    rows = json.loads(invoke("list", "shop.py::label", "--json").stdout)["functions"]
    return f"{rows[0]['origin']} {rows[0]['version']}".strip()


def test_function_is_run_judged_improved_shadowed_promoted_found_worse_and_rolled_back(
    invoke: Invoke, use: Use, place: Path, model: ScriptedModel
) -> None:
    use(30, "number % 2", POET_RECORD="arguments")
    assert listed(invoke) == "woven"

    improved = invoke("improve", "shop.py::label")
    assert improved.exit_code == 0, improved.stderr
    assert improved.stdout.startswith("shadow   shop.py::label v1: it runs beside the function from now on; poet prom")
    assert listed(invoke) == "woven, shadow"
    prompt = prompt_of(model.requests[0][2])
    assert re.search(r"^own: 30 calls, p50 .* ms, p95 .* ms, 3.3% failed \(ValueError 1\), feedback 0.5", prompt, re.M)
    assert "own failed with ValueError: no score with score=-1\n" in prompt
    assert "own with score=1 gave 'low': judged 0, number=2\n" in prompt
    told = invoke("explain", "shop.py::label").stdout
    assert "v1 frozen as a shadow after own, from " in told
    assert "v1 runs as a shadow: 0 calls compared" in told

    use(30, "number % 2")
    waits = invoke("improve", "shop.py::label", "--promote-when", "p95<0")
    assert waits.stdout.startswith("waiting  shop.py::label v1: p95<0 does not hold: p95 is ")
    rule = "p95<1000 and failed<=0.1 and feedback<0.9 and compared>=20"
    promoted = invoke("improve", "shop.py::label", "--promote-when", rule)
    assert promoted.stdout.startswith(f"promoted shop.py::label v1: by the rule {rule}: p95 is ")
    assert listed(invoke) == "frozen v1"
    assert f"v1 promoted by the rule {rule}: p95 is " in invoke("explain", "shop.py::label").stdout

    use(30, "0")
    told = invoke("explain", "shop.py::label").stdout
    assert re.search(r"^    v1: 30 calls, .* feedback 0 on average of 30$", told, re.M)
    assert "v1 is worse than own, which it replaced, by its feedback: poet rollback shop.py::label\n" in told

    back = invoke("rollback", "shop.py::label")
    assert (back.exit_code, back.stderr) == (0, "")
    assert back.stdout == "shop.py::label: the function itself is current, v1 was\n"
    assert listed(invoke) == "woven"
    told = invoke("explain", "shop.py::label").stdout
    assert told.startswith("shop.py::label: the function itself answers, of v1 none\n")
    assert "v1 rolled back to own\n" in told
    assert "    own: 60 calls, " in told
    assert "    v1: 30 calls, " in told

    again = invoke("improve", "shop.py::label")
    assert again.stderr.startswith("failed   shop.py::label: the answer is v1 again, which was rolled back")
    assert "v1 was rolled back to own\n" in prompt_of(model.requests[1][2])
    model.script(answer(OTHER))
    use(1, "0")  # what is known by then is another question
    assert invoke("improve", "shop.py::label").stdout.startswith("shadow   shop.py::label v2")
