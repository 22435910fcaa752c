"""The image: its recipe is sound, its pins fit, and what it would hold runs as a restricted pod runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytest.importorskip("dockerfile", reason="its parser of Dockerfiles comes for Linux on x86-64 alone")
from image import CONSTRAINTS, DOCKERFILE, Recipe, faults, pins, unfit
from manifests import ROOT
from pods import PodService, in_pod

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from running import create_key, request_for  # found there only
from scripted_model import ScriptedModel, answer

TEXT = DOCKERFILE.read_text(encoding="utf-8")
CODE = """@poet
def total(prices: list[int]) -> int:
    result = 0
    for price in prices:
        result += price
    return result
"""
BETTER = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
BROKEN = [  # what is there, what takes its place, and words of what is said
    pytest.param("3.13.14-slim-trixie", "latest", "has no exact tag", id="latest"),
    pytest.param("3.13.14-slim-trixie", "3.13", "has no exact tag", id="moving-tag"),
    pytest.param("FROM python AS service", "FROM debian:stable AS service", "a second base", id="second-base"),
    pytest.param("COPY --from=build /opt/poet /opt/poet", "COPY . /opt/poet", "from elsewhere", id="one-stage"),
    pytest.param("pip uninstall --yes", "pip install --yes", "the last stage runs", id="installs-at-the-end"),
    pytest.param("RUN python -m pip uninstall", "RUN apt-get install gcc", "runs apt-get", id="compiler"),
    pytest.param("USER 10001:10001\n", "", "the user is root", id="root"),
    pytest.param("USER 10001:10001", "USER poet", "the user is poet", id="user-by-name"),
    pytest.param("--mode 0700", "--mode 0777", "do not belong to the user alone", id="mode"),
    pytest.param('CMD ["python", "-c"', 'CMD ["curl", "-f"', "by Python alone", id="curl"),
    pytest.param("/healthz", "/metrics", "does not ask /healthz", id="health-path"),
    pytest.param('CMD ["serve"]', "CMD serve", "CMD starts a shell", id="shell"),
    pytest.param("POET_PORT=8420", "POET_PORT=8000", "POET_PORT is 8000 in the image", id="port"),
    pytest.param("EXPOSE 8420", "EXPOSE 80", "EXPOSE and POET_PORT differ", id="expose"),
    pytest.param("POET_HOST=", "POET_ADDRESS=", "no variable POET_ADDRESS", id="variable"),
    pytest.param("ARG EXTRAS", "ARG MODEL_KEY\nARG EXTRAS", "MODEL_KEY would be kept", id="secret"),
    pytest.param("--constraint deploy/constraints.txt ", "", "has not --constraint", id="unpinned"),
    pytest.param("EXTRAS=service", "EXTRAS=test", "does not install the service", id="extras"),
]


def test_recipe_is_sound() -> None:
    assert faults(Recipe.of(TEXT)) == []


@pytest.mark.parametrize(("there", "instead", "said"), BROKEN)
def test_recipe_that_is_not_sound_is_found(there: str, instead: str, said: str) -> None:
    assert there in TEXT

    found = faults(Recipe.of(TEXT.replace(there, instead)))

    assert [fault for fault in found if said in fault], found


def test_build_gets_what_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {name for command in Recipe.of(TEXT).of_kind("COPY", 1) for name in command.value[:-1]}

    assert lines[1] == "*"
    assert let_in == copied
    assert all((ROOT / name).exists() for name in copied)


def test_pins_fit_what_the_package_asks_for() -> None:
    assert unfit(CONSTRAINTS.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("instead", ["", "uvicorn==0.1.0\n"], ids=["missing", "too-old"])
def test_pin_that_does_not_fit_is_found(instead: str) -> None:
    text = re.sub(r"uvicorn==.*\n?", instead, CONSTRAINTS.read_text(encoding="utf-8"))

    (found,) = unfit(text)
    assert found.startswith("uvicorn")


def test_pins_are_exact() -> None:
    found = pins(CONSTRAINTS.read_text(encoding="utf-8"))

    assert len(found) > 20
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in found.values())


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip what needs a kernel that lets a process confine itself as a pod is confined."""
    process = in_pod(tmp_path_factory.mktemp("confined"), ["true"], {})
    said, _ = process.communicate(timeout=60)
    if process.returncode:
        pytest.skip(said.strip().rpartition("\n")[2])


@pytest.mark.usefixtures("confined")
def test_pod_has_every_layer_of_the_jail_but_the_namespaces(tmp_path: Path) -> None:
    process = in_pod(tmp_path, [sys.executable, "-m", "poet_import", "doctor", "--json"], {})
    said, _ = process.communicate(timeout=60)
    found = {row["what"]: row for row in json.loads(said)["findings"]}

    assert process.returncode == 0
    assert found["jail"]["found"] == "process, rlimits, no_new_privs, landlock, seccomp"
    assert found["cache"]["works"] is True


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build's own command makes of what .dockerignore lets in; the machine's Python is the image's."""
    folder = tmp_path_factory.mktemp("image")
    recipe = Recipe.of(TEXT)
    source, environment = folder / "source", folder / "opt"
    for command in recipe.of_kind("COPY", 1):
        *names, target = command.value
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target, symlinks=True)
            else:
                (source / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, source / target)
    (run,) = recipe.of_kind("RUN", 1)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "POET_"))}
    kept |= {"EXTRAS": "service", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = run.value[0].replace("/opt/poet", str(environment))
    done = subprocess.run(
        ["sh", "-c", command], cwd=source, env=kept, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return environment


@pytest.mark.slow
def test_image_holds_what_is_pinned_and_no_installer(installed: Path) -> None:
    program = (
        "from importlib.metadata import distributions as all; print(*(f'{one.name}=={one.version}' for one in all()))"
    )
    command = [str(installed / "bin" / "python"), "-I", "-c", program]
    found = pins("\n".join(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()))

    assert found.pop("poet-import")
    assert found.items() <= pins(CONSTRAINTS.read_text(encoding="utf-8")).items()
    assert {"pip", "setuptools", "hatchling", "pytest"}.isdisjoint(found)


@pytest.mark.slow
@pytest.mark.usefixtures("confined")
def test_image_serves_as_a_restricted_pod(installed: Path, tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys.json", "a", "transpile", "--scope", "templates:write")
    (tmp_path / "keys.json").chmod(0o440)
    with ScriptedModel(answer(BETTER)) as model:
        asking = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}
        with PodService(
            tmp_path, installed, POET_KEYS_FILE=str(tmp_path / "keys.json"), POET_DRAIN_SECONDS="0.2", **asking
        ) as pod:
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=pod.url, headers=headers, timeout=30) as client:
                transpiled = client.post("/api/v1/transpile", json=request_for(CODE)).json()
                stored = client.post("/api/v1/templates/shop/versions", json=_version())
            healthy = pod.health()
            status, log = pod.stop()
            gone = pod.health()

    assert transpiled["metadata"]["source"] == "model"
    assert stored.status_code == 201, stored.text
    assert (healthy, status, gone) == (0, 0, 1)
    assert "Traceback" not in log
    assert [path.name for path in (tmp_path / "cwd").iterdir()] == []


@pytest.mark.slow
@pytest.mark.usefixtures("confined")
def test_image_starts_without_a_home_and_not_without_keys(installed: Path, tmp_path: Path) -> None:
    process = in_pod(tmp_path, [str(installed / "bin" / "poet"), "serve"], {"POET_HOST": "0.0.0.0"})
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "there are no API keys; make one with: poet keys create" in said


@pytest.mark.slow
@pytest.mark.usefixtures("confined")
def test_what_a_model_wrote_outlives_its_pod(installed: Path, tmp_path: Path) -> None:
    with ScriptedModel(answer(BETTER)) as model:
        sources = []
        for _ in range(2):
            with PodService(tmp_path, installed, POET_DRAIN_SECONDS="0", **by_model(model)) as pod:
                found = httpx.post(f"{pod.url}/api/v1/transpile", json=request_for(CODE), timeout=30).json()
                sources.append(found["metadata"]["source"])
                assert pod.stop()[0] == 0

    assert sources == ["model", "model"]
    assert len(model.requests) == 1


def by_model(model: ScriptedModel) -> dict[str, str]:
    return {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}


def _version() -> dict[str, object]:
    current = ROOT / "templates" / "base"
    version = current / (current / "current").resolve().name
    metadata = json.loads((version / "metadata.json").read_text(encoding="utf-8"))
    return {"template": (version / "template.txt").read_text(encoding="utf-8"), "metadata": metadata}
