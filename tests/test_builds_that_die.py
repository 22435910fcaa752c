"""Builds that are killed at random moments: the next one finishes the rest, and asks for nothing twice."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import poet_import

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import Exchange, ScriptedModel, answer, asked_for  # found there only

ROOT = str(Path(poet_import.__file__).parents[1])
DEATHS = 50
FUNCTIONS = 120
JOBS = 3


def poet(folder: Path, url: str, *arguments: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "COVERAGE_"))}
    ours = {
        "POET_CACHE_DIR": str(folder / ".cache"),
        "POET_LLM_BASE_URL": url,
        "POET_MODEL": "openai/tiny",
        "PYTHONPATH": ROOT,
    }
    command = [sys.executable, "-m", "poet_import", *arguments]
    return subprocess.Popen(command, cwd=folder, env=kept | ours, text=True, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_killed_builds_are_finished_by_the_next_ones(tmp_path: Path) -> None:
    for module in range(12):
        functions = [module * 10 + number for number in range(10)]
        body = "".join(f"\n@poet\ndef f{n}(a: int) -> int:\n    return a + {n}\n" for n in functions)
        (tmp_path / f"shop{module}.py").write_text(f"from poet_import import poet\n{body}")
    finished: Counter[str] = Counter()  # answers that were sent whole

    def behave(exchange: Exchange) -> None:
        name = asked_for(exchange.body)
        answer(f"def {name}(a: int) -> int:\n    return a + {name[1:]}\n", delay=0.02)(exchange)
        finished[name] += 1

    moments = random.Random(7)
    with ScriptedModel(behave) as model:
        for _ in range(DEATHS):
            process = poet(tmp_path, model.url, "build", "--jobs", str(JOBS))
            time.sleep(moments.uniform(0.2, 0.9))
            process.kill()
            process.communicate()
        with poet(tmp_path, model.url, "build") as last:
            output = last.communicate()[0]
        with poet(tmp_path, model.url, "check") as check:
            checked = check.communicate()[0]

    assert last.returncode == 0, output
    assert (check.returncode, checked) == (0, f"{FUNCTIONS} fresh\n")
    # What was sent in the very moment of a death, nobody has read: no more than was under way at each of them.
    assert len(finished) == FUNCTIONS
    assert finished.total() - FUNCTIONS <= 0.1 * DEATHS * JOBS, finished.most_common(5)
    left = [path for path in tmp_path.rglob(".poet/*/*") if path.name.startswith(".new-") or path.suffix == ".tmp"]
    assert left == []
