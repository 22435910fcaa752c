"""The security gate on the shared examples, where they stand beside the checkout: every escape, and honest functions."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import poet_import
from poet_import.validation import validate

EXAMPLES = Path(__file__).parents[3] / "shared" / "security"
PACKAGE = Path(poet_import.__file__).parents[1]
ORIGINAL = "def f(x):\n    return x\n"
LEAST = 60  # honest functions that must be found at all: the standard library's belong to one version of Python
LONGEST = 15.0  # seconds for one judgement: it has an end
JUDGE = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import load
from poet_import.validation import validate

for id, source, imports in load.benign(on_problem=lambda id, problem: None):
    begun = time.perf_counter()
    verdict = validate(source, source, context={"imports": imports})
    found = [f"{one.rule}, line {one.line}: {one.message}" for one in verdict.violations if one.gate in ("syntax", "security")]
    print(json.dumps([id, found, time.perf_counter() - begun]))
"""

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the shared examples are not beside this checkout")


def escapes() -> list[dict[str, str]]:
    if not EXAMPLES.is_dir():
        return []
    lines = (EXAMPLES / "refuse.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def canaries() -> set[Path]:
    """Return what the escapes would leave behind."""
    return {path for path in Path(tempfile.gettempdir()).iterdir() if "canary" in path.name}


@pytest.mark.parametrize("escape", [pytest.param(one, id=one["id"]) for one in escapes()])
def test_escape_is_refused_before_any_of_it_runs(escape: dict[str, str]) -> None:
    before = canaries()

    verdict = validate(escape["code"], ORIGINAL)

    assert not verdict.accepted
    assert all(one.rule and one.line >= 1 and one.message for one in verdict.violations)
    assert escape["category"] == "resource" or verdict.violations[0].gate != "semantics"
    assert canaries() == before


@pytest.mark.slow
def test_honest_functions_pass_the_security_gate(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    requirements = str(EXAMPLES / "accept_requirements.txt")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    subprocess.run(pip, check=True)

    ran = subprocess.run(
        [str(python), "-c", JUDGE, str(EXAMPLES)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    judged = [json.loads(line) for line in ran.stdout.splitlines()]
    refused = {name: found for name, found, _ in judged if found}
    assert len(judged) >= LEAST
    assert len(refused) <= 0.03 * len(judged), refused
    assert max(seconds for _, _, seconds in judged) < LONGEST
